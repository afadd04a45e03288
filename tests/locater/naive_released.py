"""The released network written down step by step from its description, with nothing fused, folded or reordered.

It works on a plain dictionary of tensors under the released names and shares no code with `locater`, so that
the two can be held against each other. Every intermediate that the description names is made in full: the
(B, 8, N, M, 96) tensor of the gated write, the mask embedding at full resolution, every channel of the mask
head at every resolution.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

C, HEADS = 768, 8


def shapes(
    *,
    img_dim: int,
    K: int,  # noqa: N803
    fuse_depth: int,
    post_depth: int,
    vision_depth: int,
    global_mem_size: float,
    local_mem_size: float,
) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every entry of the state_dict."""
    n = (img_dim // 16) ** 2
    out: dict[str, tuple[int, ...]] = {}

    def linear(name: str, i: int, o: int) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = (o, i), (o,)

    def norm(name: str) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = (C,), (C,)

    def mlp(name: str, i: int) -> None:
        linear(f"{name}.fc1", i, 4 * C)
        linear(f"{name}.fc2", 4 * C, C)

    def block(name: str) -> None:
        norm(f"{name}.norm1")
        linear(f"{name}.attn.qkv", C, 3 * C)
        linear(f"{name}.attn.proj", C, C)
        norm(f"{name}.norm2")
        mlp(f"{name}.mlp", C)

    out["vision_encoder.cls_token"] = (1, 1, C)
    out["vision_encoder.pos_embed"] = (1, n + 1, C)
    out["vision_encoder.patch_embed.proj.weight"] = (C, 3, 16, 16)
    out["vision_encoder.patch_embed.proj.bias"] = (C,)
    for d in range(vision_depth):
        block(f"vision_encoder.blocks.{d}")
    norm("vision_encoder.norm")
    linear("vision_encoder.pre_logits.fc", C, C)
    out["lang_encoder.emb.weight"] = (30000, 300)
    for layer in range(3):
        for way in ("", "_reverse"):
            name = f"lang_encoder.lang_model.{{}}_l{layer}{way}"
            out[name.format("weight_ih")] = (1536, 300 if layer == 0 else C)
            out[name.format("weight_hh")] = (1536, 384)
            out[name.format("bias_ih")] = (1536,)
            out[name.format("bias_hh")] = (1536,)
    norm("lang_encoder.norm")
    for k in range(K):
        out[f"trans_fusion.{k}.modal_embed"] = (1, 2, C)
        for d in range(fuse_depth):
            block(f"trans_fusion.{k}.blocks.{d}")
        for d in range(post_depth):
            block(f"trans_fusion.{k}.pos_blocks.{d}")
        norm(f"trans_fusion.{k}.norm")
    for writer, size in (("localmem_writer", local_mem_size), ("globalmem_writer", global_mem_size)):
        if not size:
            continue
        mlp(f"{writer}.c_func.0", 2 * C)
        linear(f"{writer}.o_func.0.q", C, C)
        linear(f"{writer}.o_func.0.k", C, C)
        mlp(f"{writer}.m_func", C)
        mlp(f"{writer}.post_func", C)
        norm(f"{writer}.norm1")
        norm(f"{writer}.norm2")
        if writer == "localmem_writer":
            norm(f"{writer}.c_func.1")
            out[f"{writer}.mask_enc.weight"], out[f"{writer}.mask_enc.bias"] = (C, 1, 3, 3), (C,)
    for name in ("q", "k", "v", "proj"):
        linear(f"mem_reader.0.{name}", C, C)
    norm("mem_reader.1")
    for k in range(K):
        out[f"aux_decoders.{k}.0.weight"], out[f"aux_decoders.{k}.0.bias"] = (C, C, 1, 1), (C,)
        for name in ("weight", "bias", "running_mean", "running_var"):
            out[f"aux_decoders.{k}.1.{name}"] = (C,)
        out[f"aux_decoders.{k}.1.num_batches_tracked"] = ()
        out[f"aux_decoders.{k}.3.weight"], out[f"aux_decoders.{k}.3.bias"] = (1, C, 1, 1), (1,)
    mlp("query_generator.vis_proj", 3 * C)
    mlp("query_generator.lin_proj", C)
    mlp("query_generator.value_proj", C)
    norm("query_generator.norm")
    linear("main_dec_net.q", C, C)
    linear("main_dec_net.k", C, C)
    for index, (i, o) in zip(range(0, 10, 2), [(832, 208), (208, 208), (208, 208), (208, 208), (208, 1)], strict=True):
        out[f"main_dec_net.mask_head.{index}.weight"] = (o, i, 3, 3)
        out[f"main_dec_net.mask_head.{index}.bias"] = (o,)
    return out


def random_state(seed: int, **config: float) -> dict[str, Tensor]:
    """Return random weights for every name; no bias is zero, no LayerNorm trivial."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes(**config).items():  # type: ignore[arg-type]
        x = torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(3)
        elif name.endswith("running_var"):
            state[name] = x.abs() + 0.5
        elif name.endswith("weight") and len(shape) == 1:
            state[name] = 1 + 0.3 * x
        elif name.endswith("weight") and "emb" not in name.split("."):
            fan_in = x[0].numel()
            state[name] = x * fan_in**-0.5
        else:
            state[name] = 0.3 * x
    return state


class NaiveReleased:
    """The released network at test time. `prep_global_mem`, then `forward` frame by frame."""

    def __init__(self, state: dict[str, Tensor], **config: float) -> None:
        self.w = state
        self.config = config
        self.side = int(config["img_dim"]) // 16
        self.n = self.side**2
        self.global_size = int(config["global_mem_size"] * self.n)
        self.local_size = int(config["local_mem_size"] * self.n)
        self.local: Tensor | None = None
        self.lstm = torch.nn.LSTM(300, 384, 3, bidirectional=True)
        prefix = "lang_encoder.lang_model."
        self.lstm.load_state_dict({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})
        self.globe: Tensor | None = None

    # building blocks

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        return F.layer_norm(x, (C,), self.w[f"{name}.weight"], self.w[f"{name}.bias"], eps)

    def mlp(self, name: str, x: Tensor) -> Tensor:
        return self.linear(f"{name}.fc2", F.gelu(self.linear(f"{name}.fc1", x)))

    def block(self, name: str, x: Tensor, eps: float) -> Tensor:
        b, n, _ = x.shape
        qkv = self.linear(f"{name}.attn.qkv", self.norm(f"{name}.norm1", x, eps))
        q, k, v = qkv.view(b, n, 3, 12, 64).permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(-1, -2) * 64**-0.5).softmax(-1)
        x = x + self.linear(f"{name}.attn.proj", (attention @ v).transpose(1, 2).reshape(b, n, C))
        return x + self.mlp(f"{name}.mlp", self.norm(f"{name}.norm2", x, eps))

    # encoders

    def vision(self, image: Tensor) -> Tensor:
        w, name = self.w, "vision_encoder"
        x = F.conv2d(image, w[f"{name}.patch_embed.proj.weight"], w[f"{name}.patch_embed.proj.bias"], stride=16)
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([w[f"{name}.cls_token"].expand(len(x), 1, C), x], dim=1) + w[f"{name}.pos_embed"]
        for d in range(int(self.config["vision_depth"])):
            x = self.block(f"{name}.blocks.{d}", x, 1e-6)
        return torch.tanh(self.linear(f"{name}.pre_logits.fc", self.norm(f"{name}.norm", x, 1e-6)))

    def language(self, ids: Tensor) -> Tensor:
        out, _ = self.lstm(self.w["lang_encoder.emb.weight"][ids].transpose(0, 1))
        return self.norm("lang_encoder.norm", out.transpose(0, 1))

    def fusion(self, v: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
        for k in range(int(self.config["K"])):
            name = f"trans_fusion.{k}"
            types = self.w[f"{name}.modal_embed"]
            words = (e + types[:, 1:2]).repeat_interleave(len(v) // len(e), 0)
            z = torch.cat([v + types[:, 0:1], words], dim=1)
            for d in range(int(self.config["fuse_depth"])):
                z = self.block(f"{name}.blocks.{d}", z, 1e-5)
            z = self.norm(f"{name}.norm", z)[:, : self.n + 1]
            for d in range(int(self.config["post_depth"])):
                z = self.block(f"{name}.pos_blocks.{d}", z, 1e-5)
            v = self.norm(f"{name}.norm", z)
        return v, e

    # memories

    def gated_write(self, name: str, fea: Tensor, mem: Tensor) -> Tensor:
        b, n, _ = fea.shape
        m = mem.shape[1]
        mean = mem.mean(1, keepdim=True).expand(b, n, C)
        c = self.mlp(f"{name}.c_func.0", torch.cat([fea, mean], dim=-1))
        if name == "localmem_writer":
            c = self.norm(f"{name}.c_func.1", c)
        q = self.linear(f"{name}.o_func.0.q", c).view(b, n, HEADS, 96).transpose(1, 2)
        k = self.linear(f"{name}.o_func.0.k", mem).view(b, m, HEADS, 96).transpose(1, 2)
        o = torch.sigmoid(q @ k.transpose(-1, -2) * 96**-0.5)  # (B, 8, N, M)
        c_heads = c.view(b, n, HEADS, 96).transpose(1, 2)  # (B, 8, N, 96)
        gathered = (o.unsqueeze(-1) * c_heads.unsqueeze(3)).sum(2)  # from (B, 8, N, M, 96)
        cand = self.mlp(f"{name}.post_func", gathered.transpose(1, 2).reshape(b, m, C))
        old = self.mlp(f"{name}.m_func", mem).view(b, m, HEADS, 96).transpose(1, 2)  # (B, 8, M, 96)
        kept = ((1 - o.unsqueeze(-1)) * old.unsqueeze(2)).mean(2)  # from (B, 8, N, M, 96)
        return self.norm(f"{name}.norm2", cand + kept.transpose(1, 2).reshape(b, m, C))

    def pad(self, mem: Tensor, size: int) -> Tensor:
        missing = size - mem.shape[1]
        return torch.cat([mem, mem.mean(1, keepdim=True).repeat(1, missing, 1)], dim=1)

    def prep_global_mem(self, vis: Tensor, ids: Tensor) -> None:
        b, t = vis.shape[:2]
        v, _ = self.fusion(self.vision(vis.flatten(0, 1)), self.language(ids))
        x = self.norm("globalmem_writer.norm1", v[:, 1:].reshape(b, t, self.n, C))
        size = self.global_size
        if t * self.n <= size:
            self.globe = x.reshape(b, t * self.n, C)
            return
        t0 = size // self.n
        mem = x[:, :t0].reshape(b, t0 * self.n, C) if t0 > 0 else x[:, 0].mean(1, keepdim=True)
        mem = self.pad(mem, size)
        for index in range(t0, t):
            mem = self.gated_write("globalmem_writer", x[:, index], mem)
        self.globe = mem

    def write_local(self, tokens: Tensor, mask: Tensor) -> None:
        name, size = "localmem_writer", self.local_size
        s = F.conv2d(mask, self.w[f"{name}.mask_enc.weight"], self.w[f"{name}.mask_enc.bias"], padding=1)
        s = F.interpolate(s, (self.side, self.side), mode="bilinear", align_corners=False)
        f = self.norm(f"{name}.norm1", tokens + s.flatten(2).transpose(1, 2))
        if self.local is None:
            if self.n <= size:
                self.local = f
            else:
                self.local = self.gated_write(name, f, self.pad(f.mean(1, keepdim=True), size))
        elif self.local.shape[1] < size:
            if self.local.shape[1] + self.n <= size:
                self.local = torch.cat([self.local, f], dim=1)
            else:
                self.local = self.gated_write(name, f, self.pad(self.local, size))
        else:
            self.local = self.gated_write(name, f, self.local)

    # one frame

    def forward(self, vis: Tensor, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """vis (B, 1, 3, S, S), ids (B, 22) -> logits (B, 1, S, S), word weights (B, 8, 22)."""
        b = len(vis)
        e = self.language(ids)
        tokens, _ = self.fusion(self.vision(vis[:, 0]), e)
        tokens = tokens[:, 1:]
        local = tokens if self.local is None else self.local
        assert self.globe is not None
        q, a = self.queries(e, tokens, local, self.globe)
        memory = torch.cat([local, self.globe], dim=1)
        heads = [
            self.linear(f"mem_reader.0.{part}", x).view(b, -1, HEADS, 96).transpose(1, 2)
            for part, x in (("q", tokens), ("k", memory), ("v", memory))
        ]
        read = (heads[0] @ heads[1].transpose(-1, -2) * 96**-0.5).softmax(-1) @ heads[2]
        g = self.linear("mem_reader.0.proj", read.transpose(1, 2).reshape(b, self.n, C))
        g = self.norm("mem_reader.1", g)
        logits = self.mask_head(g, q)
        own = (torch.sigmoid(logits) > 0.5).float()
        if self.local_size:
            self.write_local(tokens, own if mask is None else mask)
        return logits, a

    def queries(self, e: Tensor, tokens: Tensor, local: Tensor, globe: Tensor) -> tuple[Tensor, Tensor]:
        b, name = len(e), "query_generator"
        means = torch.cat([tokens.mean(1), local.mean(1), globe.mean(1)], dim=-1)
        u = self.mlp(f"{name}.vis_proj", means).view(b, HEADS, 96)
        k = self.mlp(f"{name}.lin_proj", e).view(b, 22, HEADS, 96)
        a = (torch.einsum("blhd,bhd->bhl", k, u) * 96**-0.5).softmax(-1)
        w = self.mlp(f"{name}.value_proj", e)
        return self.norm(f"{name}.norm", torch.einsum("bhl,blc->bhc", a, w)), a

    def mask_head(self, g: Tensor, q: Tensor) -> Tensor:
        b, name = len(g), "main_dec_net"
        qg = self.linear(f"{name}.q", g).view(b, self.n, HEADS, 96)
        kq = self.linear(f"{name}.k", q).view(b, HEADS, HEADS, 96)
        d = torch.einsum("bnhd,bmhd->bhmn", qg, kq) * 96**-0.5
        x = torch.cat([g.transpose(1, 2), d.reshape(b, 64, self.n)], dim=1).view(b, 832, self.side, self.side)
        for index in (0, 2, 4, 6, 8):
            if index:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            layer = f"{name}.mask_head.{index}"
            x = F.conv2d(x, self.w[f"{layer}.weight"], self.w[f"{layer}.bias"], padding=1)
        return x
