# /usr/bin/python3 bench/blur/training/export.py --name quick
"""Folds normalization into the weights, rounds them to whole numbers and writes the network as TypeScript data."""
import argparse
import numpy as np
import torch
from train import Net

MOST = 8191  # largest activation
ONE = 256  # steps of an activation of 1


def folded(seq):
    conv, norm = seq[0], seq[1]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight * scale.reshape(-1, 1, 1, 1)
    return weight.detach().double().numpy(), (norm.bias - norm.running_mean * scale).detach().double().numpy()


def quantised(name, weight, bias, most_input, input_one):
    """weight: (outputs, inputs...) flattened in the order of the kernels; activations out are ONE a unit."""
    flat = weight.reshape(weight.shape[0], -1)
    for shift in range(16, -1, -1):
        factor = ONE * 2.0**shift / input_one
        w = np.round(flat * factor)
        b = np.round(bias * ONE * 2.0**shift)
        bound = np.abs(w).sum(1) * most_input + np.abs(b) + 2**shift
        if np.abs(w).max() <= 32767 and bound.max() < 2**31:
            error = np.abs(w / factor - flat).max()
            print(f"{name}: shift {shift}, largest weight {np.abs(flat).max():.3f}, rounding error {error:.6f}")
            return {"weights": w.astype(int).ravel().tolist(), "bias": b.astype(int).tolist(), "shift": shift}
    raise SystemExit(f"{name} does not fit")


def dense(name, weight, bias, most=MOST, one=ONE):
    # (o, i, kh, kw) -> rows, columns, channels: what lies side by side in memory.
    return quantised(name, weight.transpose(0, 2, 3, 1), bias, most, one)


def block(name, b):
    w, c = folded(b.dw)
    pw, pc = folded(b.pw)
    return {"depthwise": quantised(name + " depthwise", w, c, MOST, ONE), "pointwise": dense(name + " pointwise", pw, pc)}


def text(value, indent=0):
    pad = "  " * indent
    if isinstance(value, dict):
        return "{\n" + "".join(f"{pad}  {k}: {text(v, indent + 1)},\n" for k, v in value.items()) + pad + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"{pad}  {text(v, indent + 1)},\n" for v in value) + pad + "]"
    if isinstance(value, list):
        return "[" + ", ".join(str(v) for v in value) + "]"
    return str(value)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--name", choices=["quick", "thorough"], default="quick")
    a.add_argument("--cache", default=".cache/blur-training")
    a.add_argument("--to", default="servers/live/src/engine/privacy")
    args = a.parse_args()
    state = torch.load(f"{args.cache}/{args.name}.pt")
    sizes = (state["stem.0.weight"].shape[1], state["stem.0.weight"].shape[0], state["b1.pw.0.weight"].shape[0], state["down.pw.0.weight"].shape[0])
    net = Net(*sizes, depth=len({k.split(".")[1] for k in state if k.startswith("mid.")}))
    net.load_state_dict(state)
    net.eval()
    w, b = folded(net.stem)
    data = {
        "stemChannels": sizes[1],
        "fineChannels": sizes[2],
        "coarseChannels": sizes[3],
        "outputs": 5,
        # Cells come as bytes; the network was trained on 255ths.
        "stem": dense("stem", w, b, 255, 255.0),
        "first": block("first", net.b1),
        "down": block("down", net.down),
        "middle": [block(f"middle {i}", m) for i, m in enumerate(net.mid)],
        "up": dense("up", *folded(net.up)),
        "last": block("last", net.b2),
        "head": dense("head", net.head.weight.detach().double().numpy(), net.head.bias.detach().double().numpy()),
    }
    with open(f"{args.to}/{args.name}-net.ts", "w") as f:
        f.write('import type { NetData } from "@kagami/kernels";\n\n')
        f.write("/** Trained by bench/blur/training; its README says how. */\n")
        f.write("// biome-ignore format: a number a line would make ten thousand lines\n")
        f.write(f"export const {args.name.upper()}_NET: NetData = {text(data)};\n")


if __name__ == "__main__":
    main()
