# /usr/bin/python3 bench/blur/training/train.py --minutes 20
"""Trains the banner network on cells made by make-cells.ts; writes a checkpoint that export.py turns into data."""
import argparse, glob, json, math, os, random, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BANNER, DISTRACTOR, OTHER = 1, 2, 3
KEEP_SEC, KEEP_COUNT = 0.2, 3
DIST_SCALE = 8.0  # cells per unit of a predicted distance


class Clip:
    """Cells of one clip, its cards by frame, and which older frame each is compared with."""

    def __init__(self, path):
        meta = json.load(open(path))
        self.name = os.path.basename(path)[:-5]
        self.rows, self.columns, self.fps = meta["rows"], meta["columns"], meta["fps"]
        self.size = meta["size"]
        n = meta["frames"]
        self.cells = np.fromfile(path[:-5] + ".bin", dtype=np.uint8).reshape(n, 2, self.rows, self.columns)
        self.styles = meta["styles"]
        self.cards = [[] for _ in range(n)]
        for c in meta["cards"]:
            self.cards[int(c[0])].append(c)
        self.count = n
        self.refs = [self._references(True), self._references(False)]
        first = {}
        self.weights = np.full(n, 0.35)
        for t, cards in enumerate(self.cards):
            for c in cards:
                if c[1] == BANNER:
                    first.setdefault(c[2], t)
                    age = (t - first[c[2]]) / self.fps
                    self.weights[t] = max(self.weights[t], 1.6 if age < 0.5 else 0.8)
                elif c[1] == DISTRACTOR:
                    self.weights[t] = max(self.weights[t], 1.0)
        self.weights[0] = 0
        self.weights /= self.weights.sum()

    def _references(self, holds):
        """While a banner is followed, what it covers stays remembered; one that is missed becomes the reference."""
        refs, kept, kept_at = [], [], -1e9
        for t in range(self.count):
            refs.append(kept[0] if kept else max(0, t - 1))
            shown = holds and any(c[1] != DISTRACTOR and c[12] > 0.4 and c[7] > 0.6 for c in self.cards[t])
            if t > 0 and not shown and t - kept_at >= KEEP_SEC * self.fps:
                kept_at = t
                kept.append(t - 1)
                if len(kept) > KEEP_COUNT:
                    kept.pop(0)
        return refs

    def inputs(self, t, stride=1, holds=True):
        now, before, ref = self.cells[t], self.cells[max(0, t - stride)], self.cells[self.refs[0 if holds else 1][t]]
        return now, before, ref


def channels(now, before, ref):
    """(B,2,H,W) float in 0..255 each -> network input, all about 0..1."""
    l, t = now[:, 0], now[:, 1]
    lb, lr, tr = before[:, 0], ref[:, 0], ref[:, 1]
    rows = torch.arange(l.shape[1], dtype=l.dtype).view(1, -1, 1).expand_as(l) * 4.0
    out = [l, t, (l - lb).abs(), (l - lr).abs(), (t - tr).abs(), rows.clamp(max=255)]
    return torch.stack(out, 1) / 255.0


def normed(conv):
    """Normalization is for training alone: export.py folds it into the weights."""
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels))


class Block(nn.Module):
    def __init__(self, i, o, stride=1, dilation=1):
        super().__init__()
        self.dw = normed(nn.Conv2d(i, i, 3, stride, dilation, dilation, groups=i, bias=False))
        self.pw = normed(nn.Conv2d(i, o, 1, bias=False))
        self.residual = i == o and stride == 1

    def forward(self, x):
        y = F.relu(self.pw(F.relu(self.dw(x))))
        return x + y if self.residual else y


class Net(nn.Module):
    def __init__(self, cin=6, a=8, b=16, c=24, depth=3):
        super().__init__()
        self.stem = normed(nn.Conv2d(cin, a, 3, 2, 1, bias=False))
        self.b1 = Block(a, b)
        self.down = Block(b, c, 2)
        self.mid = nn.ModuleList([Block(c, c, 1, d) for d in [1, 2, 4][:depth]])
        self.up = normed(nn.Conv2d(c, b, 1, bias=False))
        self.b2 = Block(b, b)
        self.head = nn.Conv2d(b, 5, 1)

    def forward(self, x):
        s = self.b1(F.relu(self.stem(x)))
        m = self.down(s)
        for block in self.mid:
            m = block(m)
        u = F.interpolate(self.up(m), scale_factor=2, mode="nearest")[:, :, : s.shape[2], : s.shape[3]]
        return self.head(self.b2(F.relu(s + u)))


def targets(clip, t, flip, gh, gw):
    """Class (0/1), weight and distances for output positions of stride 2."""
    cls = np.zeros((gh, gw), np.float32)
    wgt = np.ones((gh, gw), np.float32)
    reg = np.zeros((4, gh, gw), np.float32)
    pos = np.zeros((gh, gw), bool)
    ys = (np.arange(gh) * 2 + 0.5)[:, None] + np.zeros((gh, gw))  # centre of the 3x3 window around cell 2i
    xs = (np.arange(gw) * 2 + 0.5)[None, :] + np.zeros((gh, gw))
    for c in clip.cards[t]:
        x, y, w, h = c[3:7]
        if flip:
            x = clip.columns - x - w
        inside = (xs >= x) & (xs <= x + w) & (ys >= y) & (ys <= y + h)
        if c[1] == DISTRACTOR:
            wgt[inside] = np.maximum(wgt[inside], 2.0)
            continue
        near = (xs >= x - 1) & (xs <= x + w + 1) & (ys >= y - 1) & (ys <= y + h + 1)
        if c[1] == OTHER or c[7] < 0.35 or (h < 3 and c[11] == 0):
            wgt[near] = 0
            continue
        readable = c[11] > 0
        wgt[near & ~inside] = 0
        cls[inside] = 1
        wgt[inside] = 2.5 if readable else 1.0
        pos |= inside
        reg[:, inside] = np.stack([xs - x, ys - y, x + w - xs, y + h - ys])[:, inside] / DIST_SCALE
    return cls, wgt, reg, pos & (wgt > 0)


def batch(clips, size, rng):
    xs, cl, wg, rg, ps = [], [], [], [], []
    for _ in range(size):
        clip = rng.choice(clips)
        t = int(np.random.choice(clip.count, p=clip.weights))
        now, before, ref = clip.inputs(t, 2 if rng.random() < 0.15 else 1, rng.random() < 0.65)
        x = np.stack([now, before, ref]).astype(np.float32)
        flip = rng.random() < 0.3
        if flip:
            x = x[..., ::-1].copy()
        gain, shift = math.exp(rng.uniform(-0.45, 0.2)), rng.uniform(-20, 20)
        if rng.random() < 0.1:
            gain, shift = -gain, 255 + shift
        x[:, 0] = np.clip(x[:, 0] * gain + shift, 0, 255)
        x[:, 1] = np.clip(x[:, 1] * abs(gain) * math.exp(rng.uniform(-0.4, 0.3)), 0, 255)
        if rng.random() < 0.5:
            x += np.random.normal(0, rng.uniform(0, 2.5), x.shape)
            x = np.clip(x, 0, 255)
        gh, gw = (clip.rows + 1) // 2, (clip.columns + 1) // 2
        c, w, r, p = targets(clip, t, flip, gh, gw)
        xs.append(x); cl.append(c); wg.append(w); rg.append(r); ps.append(p)
    x = torch.from_numpy(np.stack(xs)).round()
    inp = channels(x[:, 0], x[:, 1], x[:, 2])
    return inp, *(torch.from_numpy(np.stack(v)) for v in (cl, wg, rg, ps))


def loss_of(out, cls, wgt, reg, pos):
    z = out[:, 0]
    p = torch.sigmoid(z)
    pt = torch.where(cls > 0, p, 1 - p)
    focal = (1 - pt) ** 1.5
    bce = F.binary_cross_entropy_with_logits(z, cls, reduction="none")
    cl = (bce * focal * wgt).sum() / wgt.sum() * 20
    if pos.any():
        d = F.softplus(out[:, 1:])
        m = pos.unsqueeze(1).expand_as(d)
        rl = F.smooth_l1_loss(d[m], reg[m], beta=0.1)
    else:
        rl = z.sum() * 0
    return cl + 1.0 * rl, cl.detach(), rl.detach()


def evaluate(net, clips):
    """Per readable banner frame: the largest logit inside; per frame without: the largest anywhere."""
    net.eval()
    inside, outside, late = [], [], []
    with torch.no_grad():
        for clip in clips:
            ts = list(range(1, clip.count))
            for i in range(0, len(ts), 64):
                part = ts[i : i + 64]
                x = np.stack([np.stack(clip.inputs(t)) for t in part]).astype(np.float32)
                x = torch.from_numpy(x)
                out = net(channels(x[:, 0], x[:, 1], x[:, 2]))[:, 0].numpy()
                for t, z in zip(part, out):
                    cards = clip.cards[t]
                    keep = np.ones_like(z, bool)
                    for c in cards:
                        if c[1] == DISTRACTOR:
                            continue
                        x0, y0, w, h = c[3:7]
                        ys, xs = slice(max(0, int(y0 // 2)), int((y0 + h) // 2) + 1), slice(max(0, int(x0 // 2)), int((x0 + w) // 2) + 1)
                        keep[max(0, ys.start - 1) : ys.stop + 1, max(0, xs.start - 1) : xs.stop + 1] = False
                        if c[1] == BANNER and c[11] > 0:
                            inside.append((z[ys, xs].max() if z[ys, xs].size else -20, clip.styles[int(c[2])], clip.name, t))
                    if keep.any():
                        outside.append((z[keep].max(), clip.name, t))
    net.train()
    return inside, outside


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--cells", default=".cache/blur-training/cells")
    a.add_argument("--out", default=".cache/blur-training/net.pt")
    a.add_argument("--start")
    a.add_argument("--minutes", type=float, default=20)
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--rate", type=float, default=1e-2)
    a.add_argument("--seed", type=int, default=1)
    args = a.parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed); np.random.seed(args.seed); torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    clips = [Clip(p) for p in sorted(glob.glob(args.cells + "/*.json")) if not p.endswith(".mp4.json")]
    number = lambda c: int(c.name.split("-")[1])
    valid = [c for c in clips if number(c) % 10 == 3]
    train = [c for c in clips if number(c) % 10 != 3]
    groups = {}
    for c in train:
        groups.setdefault((c.rows, c.columns), []).append(c)
    shapes = list(groups)
    counts = [len(groups[s]) for s in shapes]
    print(len(train), "clips to train,", len(valid), "to validate;", sum(c.count for c in clips), "frames;", {s: len(g) for s, g in groups.items()})
    net = Net()
    nn.init.constant_(net.head.bias[:1], -2.0)
    print("parameters", sum(p.numel() for p in net.parameters()))
    if args.start:
        net.load_state_dict(torch.load(args.start))
    opt = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-4)
    began = time.time(); step = 0; acc = [0, 0]; seen = 0
    while time.time() - began < args.minutes * 60:
        share = (time.time() - began) / (args.minutes * 60)
        lr = args.rate * min(1, step / 100 + 0.01) * (0.5 + 0.5 * math.cos(math.pi * min(1, share)))
        for g in opt.param_groups:
            g["lr"] = max(lr, 1e-5)
        shape = rng.choices(shapes, counts)[0]
        inp, cls, wgt, reg, pos = batch(groups[shape], args.batch, rng)
        loss, cl, rl = loss_of(net(inp), cls, wgt, reg, pos)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        acc[0] += float(cl); acc[1] += float(rl); step += 1; seen += 1
        if step % 250 == 0:
            print(f"step {step} {time.time()-began:.0f}s class {acc[0]/seen:.4f} edges {acc[1]/seen:.4f}", flush=True)
            acc = [0, 0]; seen = 0
        if step % 1500 == 0:
            torch.save(net.state_dict(), args.out)
    torch.save(net.state_dict(), args.out)
    report(*evaluate(net, valid))


def report(inside, outside):
    z_in = np.array([v[0] for v in inside]); z_out = np.array([v[0] for v in outside])
    for th in (-2, -1, 0, 1, 2, 3, 4, 5):
        print(f"logit {th}: readable frames below {100*(z_in<th).mean():.2f} %, frames with something above outside {100*(z_out>th).mean():.3f} %, clips {len({v[1] for v in outside if v[0]>th})} of {len({v[1] for v in outside})}")
    by = {}
    for z, style, name, t in inside:
        by.setdefault(style, []).append(z)
    worst = sorted(((np.mean(np.array(v) < 0), len(v), k) for k, v in by.items()), reverse=True)
    print("worst styles at 0:", [(f"{100*a:.1f}%", n, k) for a, n, k in worst[:10]])


if __name__ == "__main__":
    main()
