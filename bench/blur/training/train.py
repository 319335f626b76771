# /usr/bin/python3 bench/blur/training/train.py --name quick --minutes 20
"""Trains the banner network on cells made by make-cells.ts; writes a checkpoint that export.py turns into data."""
import argparse, glob, json, math, os, random, re, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BANNER, DISTRACTOR, OTHER = 1, 2, 3
KEEP_SEC, KEEP_COUNT = 0.2, 3
DIST_SCALE = 8.0  # cells per unit of a predicted distance
IDLE_ROWS = 32  # as in banner-finder.ts
CHANNELS = {"quick": (16, 24, 32), "thorough": (16, 32, 48)}  # of the stem, at half and at a quarter of the cells


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
        self.refs = [self._references(False), self._references(True)]
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
        self.hardness = np.full(n, 0.5, np.float32)
        self.weights /= self.weights.sum()

    def _references(self, holds):
        """While a banner is followed, what it covers stays remembered; so it is under a card taken for one."""
        refs, kept, kept_at = [], [], -1e9
        for t in range(self.count):
            refs.append(kept[0] if kept else max(0, t - 1))
            shown = any((holds or c[1] == BANNER) and c[12] > 0.4 and c[7] > 0.6 for c in self.cards[t])
            if t > 0 and not shown and t - kept_at >= KEEP_SEC * self.fps:
                kept_at = t
                kept.append(t - 1)
                if len(kept) > KEEP_COUNT:
                    kept.pop(0)
        return refs

    def times(self, t, stride=1, holds=False):
        return t, max(0, t - stride), self.refs[1 if holds else 0][t]

    def inputs(self, t, stride=1, holds=False):
        return tuple(self.cells[i] for i in self.times(t, stride, holds))

    def is_bare(self, t):
        """Whether nothing is there that must be hidden or may be."""
        return all(c[1] == DISTRACTOR for c in self.cards[t])


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
    def __init__(self, cin=6, a=16, b=24, c=32, depth=3):
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


ONE = 256  # steps of an activation of 1, as in export.py


def read_exported(path):
    """Weights of a network that export.py has written, as they are without normalization."""
    text = open(path).read().split("NetData = ")[1].rstrip().rstrip(";")
    data = json.loads(re.sub(r",(\s*[}\]])", r"\1", re.sub(r"(\w+):", r'"\1":', text)))

    def layer(entry, shape, one=ONE, last=True):
        factor = ONE * 2.0 ** entry["shift"] / one
        w = np.array(entry["weights"], np.float32).reshape(shape) / factor
        bias = np.array(entry["bias"], np.float32) / (ONE * 2.0 ** entry["shift"])
        return torch.from_numpy(w.transpose(0, 3, 1, 2) if last else w).contiguous(), torch.from_numpy(bias)

    a, b, c = data["stemChannels"], data["fineChannels"], data["coarseChannels"]

    def block(entry, i, o):
        return layer(entry["depthwise"], (i, 1, 3, 3), last=False), layer(entry["pointwise"], (o, 1, 1, i))

    return {
        "stem": layer(data["stem"], (a, 3, 3, 6), 255.0),
        "b1": block(data["first"], a, b),
        "down": block(data["down"], b, c),
        "mid": [block(m, c, c) for m in data["middle"]],
        "up": layer(data["up"], (b, 1, 1, c)),
        "b2": block(data["last"], b, b),
        "head": layer(data["head"], (5, 1, 1, b)),
    }


def load_exported(net, path, inputs):
    """Goes on from an exported network: normalization is set so that it says the same over `inputs`."""
    data = read_exported(path)
    pairs = [(net.stem, data["stem"]), (net.up, data["up"])]
    for blk, (dw, pw) in [(net.b1, data["b1"]), (net.down, data["down"]), (net.b2, data["b2"]), *zip(net.mid, data["mid"])]:
        pairs += [(blk.dw, dw), (blk.pw, pw)]
    seen = {}
    with torch.no_grad():
        for seq, (w, bias) in pairs:
            seq[0].weight.copy_(w)
            seq[1].bias.copy_(bias)
            seq[1].running_var.fill_(1 - seq[1].eps)
        net.head.weight.copy_(data["head"][0])
        net.head.bias.copy_(data["head"][1])
        hooks = [
            seq[1].register_forward_pre_hook(lambda m, x, key=i: seen.setdefault(key, []).append(x[0].detach().transpose(0, 1).flatten(1)))
            for i, (seq, _) in enumerate(pairs)
        ]
        net.eval()
        for x in inputs:
            net(x)
        for i, (seq, _) in enumerate(pairs):
            hooks[i].remove()
            values, norm = torch.cat(seen[i], 1), seq[1]
            mean, var = values.mean(1), values.var(1)
            norm.bias.add_(mean)
            norm.weight.copy_(torch.sqrt(var + norm.eps))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(var)
    net.train()


def smooth_noise(rng, rows, columns, cells):
    """A field of 0 to 1 with details about so many cells large, larger than the picture, to travel over."""
    h, w = rows + 24, columns + 24
    small = rng.random((max(2, int(h / cells) + 2), max(2, int(w / cells) + 2))).astype(np.float32)
    big = F.interpolate(torch.from_numpy(small)[None, None], size=(h, w), mode="bilinear", align_corners=False)
    return big[0, 0].numpy()


def made_up(rows, columns, ages):
    """Cells of a background that nothing draws: soft or hard noise of some scales, which travels or flickers."""
    rng = np.random.default_rng(random.randrange(1 << 30))
    fields = [smooth_noise(rng, rows, columns, random.choice([1, 2, 4, 9, 20])) for _ in range(random.choice([1, 2]))]
    field = sum(fields) / len(fields)
    if random.random() < 0.5:
        field = (field > np.quantile(field, random.uniform(0.2, 0.97))).astype(np.float32)
    grain = smooth_noise(rng, rows, columns, random.choice([1, 3, 10]))
    low, high = random.uniform(0, 255), random.uniform(0, 255)
    rough = random.choice([0, 0, 15, 60, 200])
    is_new = random.random() < 0.3  # in each picture, as snow is
    vx, vy = random.choice([0, 0, random.uniform(-1.5, 1.5)]), random.choice([0, 0, random.uniform(-1.5, 1.5)])
    flicker = random.choice([0, 0, 0, 6, 30])
    out = []
    for age in ages:
        dx, dy = (int(v) for v in rng.integers(0, 24, 2)) if is_new else (int(12 + v * age) % 24 for v in (vx, vy))
        part = (slice(dy, dy + rows), slice(dx, dx + columns))
        mean = low + (high - low) * field[part] + flicker * rng.standard_normal((rows, columns))
        texture = rough * grain[part] * random.uniform(0.8, 1.2) + abs(flicker * rng.standard_normal((rows, columns)))
        out.append(np.clip(np.stack([mean, texture]), 0, 255))
    return out


def cover(card, rows, columns, corner):
    """How much of each cell a card covers, with round corners."""
    x, y, w, h = card[3:7]
    r = min(corner, w / 2, h / 2)
    span = lambda n, a, b: np.clip(np.minimum(np.arange(n) + 1, b) - np.maximum(np.arange(n), a), 0, 1)
    share = span(rows, y, y + h)[:, None] * span(columns, x, x + w)[None, :]
    if r > 0.5:
        cx = np.maximum(np.maximum(x + r - np.arange(columns) - 0.5, np.arange(columns) + 0.5 - (x + w - r)), 0)
        cy = np.maximum(np.maximum(y + r - np.arange(rows) - 0.5, np.arange(rows) + 0.5 - (y + h - r)), 0)
        share = share * np.clip(r + 0.5 - np.hypot(cx[None, :], cy[:, None]), 0, 1)
    return share * card[7]


def transplanted(clip, ts, behind):
    """The cards of a clip's pictures over other pictures' cells."""
    corner = random.uniform(0.5, 4)
    out = []
    for t, ground in zip(ts, behind):
        share = np.zeros((clip.rows, clip.columns))
        for card in clip.cards[t]:
            share = np.maximum(share, cover(card, clip.rows, clip.columns, corner))
        own = clip.cells[t].astype(np.float32)
        mixed = share * own + (1 - share) * ground
        # Where the card ends within a cell, its edge is texture.
        mixed[1] += 4 * share * (1 - share) * np.abs(own[0] - ground[0]) * 0.25
        out.append(np.clip(mixed, 0, 255))
    return np.stack(out).astype(np.float32)


def targets(clip, t, flip, gh, gw, rows):
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
        # A card from rim to rim may as well be an app's header.
        is_header = clip.columns < 80 and w > clip.columns - 0.8
        if c[1] == OTHER or is_header or c[7] < 0.3 or (h < 3 and c[11] == 0):
            wgt[near] = 0
            continue
        readable = c[11] > 0
        wgt[near & ~inside] = 0
        cls[inside] = 1
        wgt[inside] = 2.5 if readable else 1.0
        # Where a card ends below what is looked at, nothing can be learnt.
        pos = pos | inside if y + h <= rows + 1 else pos & ~inside
        reg[:, inside] = np.stack([xs - x, ys - y, x + w - xs, y + h - ys])[:, inside] / DIST_SCALE
    return cls, wgt, reg, pos & (wgt > 0)


class Pool:
    """Clips by the shape of their grid; what the network finds hard is shown more often."""

    def __init__(self, directory):
        self.directory, self.known, self.groups, self.count = directory, set(), {}, 0

    def refresh(self):
        """Takes in clips that were made in the meantime."""
        for path in sorted(glob.glob(self.directory + "/*.json")):
            if path.endswith(".mp4.json") or path in self.known:
                continue
            self.known.add(path)
            clip = Clip(path)
            self.groups.setdefault((clip.rows, clip.columns), []).append(clip)
            self.count += 1

    def draw(self, rng, size):
        shapes = list(self.groups)
        group = self.groups[rng.choices(shapes, [len(self.groups[s]) for s in shapes])[0]]
        scores = np.array([clip.hardness.mean() + 0.05 for clip in group])
        picked = np.random.choice(len(group), size, p=scores / scores.sum())
        even = np.random.rand(size) < 0.4
        picked[even] = np.random.randint(0, len(group), even.sum())
        return [group[i] for i in picked]


def draw_frame(clip):
    p = clip.weights if random.random() < 0.4 else clip.weights * (clip.hardness + 0.02)
    return int(np.random.choice(clip.count, p=p / p.sum()))


TRANSPLANT = 0.4  # share of examples


def ground_of(clip, ts, clips, rng):
    """The cells of the pictures, of some examples over another background."""
    own = np.stack([clip.cells[i] for i in ts]).astype(np.float32)
    if rng.random() >= TRANSPLANT or any(c[7] < 0.3 and c[7] > 0.05 for c in clip.cards[ts[0]]):
        return own
    if rng.random() < 0.5:
        ages = [0, -1, ts[2] - ts[0]]
        return transplanted(clip, ts, made_up(clip.rows, clip.columns, ages))
    other = rng.choice(clips)
    at = rng.randrange(max(1, other.count - 1)) + 1
    back = max(0, at - max(1, ts[0] - ts[2]))
    if at >= other.count or not (other.is_bare(at) and other.is_bare(at - 1) and other.is_bare(back)):
        return own
    return transplanted(clip, ts, [other.cells[i].astype(np.float32) for i in (at, at - 1, back)])


def batch(pool, size, rng):
    """Examples of one shape; most without the lower rows, as while nothing is followed."""
    xs, cl, wg, rg, ps, who = [], [], [], [], [], []
    clips = pool.draw(rng, size)
    rows = IDLE_ROWS if rng.random() < 0.6 else clips[0].rows
    for clip in clips:
        t = draw_frame(clip)
        ts = clip.times(t, 2 if rng.random() < 0.15 else 1, rng.random() < 0.2)
        x = ground_of(clip, ts, clips, rng)[:, :, :rows]
        flip = rng.random() < 0.3
        if flip:
            x = x[..., ::-1].copy()
        gain, shift = math.exp(rng.uniform(-0.45, 0.2)), rng.uniform(-20, 20)
        if rng.random() < 0.1:
            gain, shift = -gain, 255 + shift
        x[:, 0] = np.clip(x[:, 0] * gain + shift, 0, 255)
        x[:, 1] = np.clip(x[:, 1] * abs(gain) * math.exp(rng.uniform(-0.4, 0.3)), 0, 255)
        if rng.random() < 0.4:
            x += np.random.normal(0, rng.uniform(0, 2.5), x.shape).astype(np.float32)
            x = np.clip(x, 0, 255)
        c, w, r, p = targets(clip, t, flip, (rows + 1) // 2, (clip.columns + 1) // 2, rows)
        xs.append(x); cl.append(c); wg.append(w); rg.append(r); ps.append(p); who.append((clip, t))
    x = torch.from_numpy(np.stack(xs)).round()
    inp = channels(x[:, 0], x[:, 1], x[:, 2]).contiguous(memory_format=torch.channels_last)
    return inp, [torch.from_numpy(np.stack(v)) for v in (cl, wg, rg, ps)], who


def loss_of(out, cls, wgt, reg, pos):
    """Of places and of edges, and for each example how wrong its places are at worst."""
    z = out[:, 0]
    bce = F.binary_cross_entropy_with_logits(z, cls, reduction="none") * wgt
    # Half of it is of the worst places: a false alarm is a handful of them among hundreds.
    worst = bce.flatten(1).topk(24, 1).values.mean(1)
    cl = 10 * bce.mean() + worst.mean()
    if pos.any():
        d = F.softplus(out[:, 1:])
        m = pos.unsqueeze(1).expand_as(d)
        rl = F.smooth_l1_loss(d[m], reg[m], beta=0.1)
    else:
        rl = z.sum() * 0
    return cl + 2.0 * rl, cl.detach(), rl.detach(), worst.detach()


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
    a.add_argument("--valid", default=".cache/blur-training/develop")
    a.add_argument("--name", choices=list(CHANNELS), default="quick")
    a.add_argument("--out", help="the checkpoint; .cache/blur-training/<name>.pt unless given")
    a.add_argument("--start", help="a checkpoint, or a network that export.py has written, to go on from")
    a.add_argument("--minutes", type=float, default=40)
    a.add_argument("--batch", type=int, default=32)
    a.add_argument("--rate", type=float, default=8e-3)
    a.add_argument("--seed", type=int, default=1)
    args = a.parse_args()
    out = args.out or f".cache/blur-training/{args.name}.pt"
    torch.set_num_threads(1)
    random.seed(args.seed); np.random.seed(args.seed); torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pool, valid = Pool(args.cells), Pool(args.valid)
    pool.refresh()
    net = Net(6, *CHANNELS[args.name]).to(memory_format=torch.channels_last)
    nn.init.constant_(net.head.bias[:1], -2.0)
    print(pool.count, "clips;", sum(p.numel() for p in net.parameters()), "parameters")
    if args.start and args.start.endswith(".ts"):
        load_exported(net, args.start, [batch(pool, args.batch, rng)[0] for _ in range(12)])
    elif args.start:
        net.load_state_dict(torch.load(args.start))
    opt = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-4)
    # A mean over the last steps generalizes better than any of them.
    mean = torch.optim.swa_utils.AveragedModel(net, avg_fn=lambda m, p, n: m * 0.998 + p * 0.002, use_buffers=True)
    began, step, sums = time.time(), 0, np.zeros(3)
    while (spent := (time.time() - began) / 60 / args.minutes) < 1:
        for g in opt.param_groups:
            g["lr"] = args.rate * min(1, step / 300 + 0.01) * (0.5 + 0.5 * math.cos(math.pi * spent)) + 1e-5
        inp, truth, who = batch(pool, args.batch, rng)
        loss, cl, rl, worst = loss_of(net(inp), *truth)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        opt.step()
        mean.update_parameters(net)
        for (clip, t), w in zip(who, worst.numpy()):
            clip.hardness[max(0, t - 2) : t + 3] += 0.3 * (min(w, 4.0) - clip.hardness[max(0, t - 2) : t + 3])
            clip.hardness[t] = min(w, 4.0)
        sums += (float(cl), float(rl), float(worst.mean())); step += 1
        if step % 250 == 0:
            print(f"step {step} {time.time()-began:.0f}s class {sums[0]/250:.4f} edges {sums[1]/250:.4f} worst {sums[2]/250:.4f}; {pool.count} clips", flush=True)
            sums[:] = 0
            pool.refresh()
        if step % 500 == 0:
            torch.save(mean.module.state_dict(), out)
    torch.save(mean.module.state_dict(), out)
    valid.refresh()
    report(*evaluate(mean.module, [c for group in valid.groups.values() for c in group]))


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
