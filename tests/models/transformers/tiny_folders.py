"""Folders of tiny randomly initialised models, as `save_pretrained` leaves a published one: config.json, safetensors, tokenizer, processor.

They are known to run; what they say of a picture means nothing.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as library

from a2dsplus.models.transformers.folder import quiet

_LETTERS = "abcdefghijklmnopqrstuvwxyz.,"
_SIDE = 64  # of SAM 2's frames
_WIDE = 128  # of SAM's decoder: its memory has half of it


def save(kind: str, folder: Path) -> Path:
    """Save the tiny model of a `model_type` in a folder and return it."""
    with quiet():
        torch.manual_seed(0)
        _SAVERS[kind](folder)
    return folder


def _clipseg(folder: Path) -> None:
    tokenizer, words = _letters(77)
    config = library.CLIPSegConfig(
        text_config=_text(words, 77),
        vision_config=_vision(),
        projection_dim=32,
        reduce_dim=16,
        extract_layers=[0, 1],
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    processor = library.ViTImageProcessorPil(size={"height": 32, "width": 32})
    _save(folder, library.CLIPSegForImageSegmentation(config), tokenizer, processor)


def _owlv2(folder: Path) -> None:
    tokenizer, words = _letters(16)
    config = library.Owlv2Config(text_config=_text(words, 16), vision_config=_vision(), projection_dim=32)
    processor = library.Owlv2ImageProcessorPil(size={"height": 32, "width": 32})
    model = library.Owlv2ForObjectDetection(config)
    torch.nn.init.zeros_(model.class_head.logit_scale.weight)  # so that not every score is 1
    _save(folder, model, tokenizer, processor)


_WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *(".", ",", "a", "the", "man", "dog", "is", "running", "red", "car"),
)


def _dino(folder: Path, *, config: Any, model: Any) -> None:
    tokenizer = library.BertTokenizer(vocab={word: number for number, word in enumerate(_WORDS)})
    words = {
        "vocab_size": len(_WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 64,
    }
    made = config(
        backbone_config=_swin(["stage2", "stage3", "stage4"], [2, 3, 4]),
        text_config=words,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        num_queries=10,
        max_text_len=64,
    )
    processor = library.GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    _save(folder, model(made), tokenizer, processor)


def _grounding_dino(folder: Path) -> None:
    _dino(folder, config=library.GroundingDinoConfig, model=library.GroundingDinoForObjectDetection)


def _mm_grounding_dino(folder: Path) -> None:
    _dino(folder, config=library.MMGroundingDinoConfig, model=library.MMGroundingDinoForObjectDetection)


def _omdet_turbo(folder: Path) -> None:
    tokenizer, words = _letters(77)
    config = library.OmDetTurboConfig(
        backbone_config=_swin(["stage1", "stage2", "stage3"], [1, 2, 3]),
        text_config={**_text(words, 77), "model_type": "clip_text_model", "hidden_size": 48, "projection_dim": 48},
        text_projection_in_dim=48,
        text_projection_out_dim=48,
        task_encoder_hidden_dim=48,
        class_embed_dim=48,
        num_queries=10,
        encoder_hidden_dim=32,
        decoder_hidden_dim=32,
        vision_features_channels=[32, 32, 32],
        encoder_in_channels=[12, 24, 48],
        encoder_attention_heads=2,
        encoder_dim_feedforward=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=32,
        image_size=64,
        eval_size=None,
        disable_custom_kernels=True,
        apply_layernorm_after_vision_backbone=False,  # that is for timm's Swin, which this one is not
    )
    processor = library.DetrImageProcessorPil(size={"height": 64, "width": 64}, do_pad=False)
    _save(folder, library.OmDetTurboForObjectDetection(config), tokenizer, processor)


def _sam2_video(folder: Path) -> None:
    _save(
        folder,
        library.Sam2VideoModel(
            library.Sam2VideoConfig(vision_config=_hiera(), image_size=_SIDE, **_tracker(_SIDE, 16))
        ),
    )


def _edgetam_video(folder: Path) -> None:
    tracker = _tracker(_SIDE, 16)
    tracker["memory_attention_mlp_hidden_size"] = tracker.pop("memory_attention_feed_forward_hidden_size")
    config = library.EdgeTamVideoConfig(
        vision_config=_hiera(),
        image_size=_SIDE,
        memory_attention_rope_k_sizes=[4, 4],
        perceiver_resampler_num_latents=16,
        perceiver_resampler_num_latents_2d=16,
        perceiver_resampler_num_layers=1,
        **tracker,
    )
    _save(folder, library.EdgeTamVideoModel(config))


def _sam3(folder: Path) -> None:
    _save(folder, library.Sam3Model(_sam3_config()), _letters(32)[0])


def _sam3_video(folder: Path) -> None:
    detector = _sam3_config()
    tracker = library.Sam3TrackerVideoConfig(vision_config=detector.vision_config.to_dict(), **_tracker(56, 14))
    config = library.Sam3VideoConfig(
        detector_config=detector.to_dict(), tracker_config=tracker.to_dict(), low_res_mask_size=16, new_det_thresh=0.1
    )
    config.image_size = 56
    _save(folder, library.Sam3VideoModel(config), _letters(32)[0])
    # the library forgets a tracker's picture size that is not the published one's, unless it is said
    written = json.loads((folder / "config.json").read_text())
    written["tracker_config"]["image_size"] = 56
    (folder / "config.json").write_text(json.dumps(written))


_SAVERS: dict[str, Callable[[Path], None]] = {
    "clipseg": _clipseg,
    "owlv2": _owlv2,
    "grounding-dino": _grounding_dino,
    "mm-grounding-dino": _mm_grounding_dino,
    "omdet-turbo": _omdet_turbo,
    "sam2_video": _sam2_video,
    "edgetam_video": _edgetam_video,
    "sam3": _sam3,
    "sam3_video": _sam3_video,
}
KINDS = tuple(_SAVERS)


def _save(folder: Path, model: Any, *parts: Any) -> None:
    for part in (model, *parts):
        part.save_pretrained(folder)


def _letters(length: int) -> tuple[Any, int]:
    """Return a CLIP tokenizer that knows letters, and how many tokens it has."""
    vocabulary: dict[str, int] = {}
    for letter in _LETTERS:
        vocabulary[letter] = len(vocabulary)
        vocabulary[letter + "</w>"] = len(vocabulary)
    for mark in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[mark] = len(vocabulary)
    return library.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=length, pad_token="<|endoftext|>"), len(
        vocabulary
    )


def _text(words: int, length: int) -> dict[str, int]:
    return {
        "vocab_size": words,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": length,
        "projection_dim": 32,
        "bos_token_id": words - 2,
        "eos_token_id": words - 1,
    }


def _vision() -> dict[str, int]:
    return {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
    }


def _swin(stages: list[str], indices: list[int]) -> Any:
    return library.SwinConfig(
        window_size=4,
        image_size=64,
        embed_dim=12,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        out_features=stages,
        out_indices=indices,
    )


def _hiera() -> Any:
    return library.Sam2VisionConfig(
        backbone_config=library.Sam2HieraDetConfig(
            hidden_size=16,
            image_size=[_SIDE, _SIDE],
            blocks_per_stage=[1, 2, 2, 1],
            embed_dim_per_stage=[16, 32, 64, 128],
            num_attention_heads_per_stage=[1, 1, 2, 2],
            window_size_per_stage=[4, 4, 2, 2],
            global_attention_blocks=[4],
            window_positional_embedding_background_size=[2, 2],
        ),
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=_WIDE,
    )


def _tracker(side: int, patch: int) -> dict[str, Any]:
    return {
        "prompt_encoder_config": {"hidden_size": _WIDE, "image_size": side, "patch_size": patch},
        "mask_decoder_config": {
            "hidden_size": _WIDE,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
        "memory_attention_hidden_size": _WIDE,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": _WIDE,
        "mask_downsampler_embed_dim": _WIDE,
        "memory_fuser_embed_dim": _WIDE,
        "memory_fuser_intermediate_dim": 32,
    }


def _sam3_config() -> Any:
    block = {"hidden_size": _WIDE, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return library.Sam3Config(
        vision_config=library.Sam3VisionConfig(
            backbone_config=library.Sam3ViTConfig(
                hidden_size=32,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=56,
                window_size=2,
                global_attn_indexes=[1],
                pretrain_image_size=28,
            ),
            fpn_hidden_size=_WIDE,
            backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
            scale_factors=[4.0, 2.0, 1.0, 0.5],
        ),
        text_config=_text(len(_LETTERS) * 2 + 2, 32),
        geometry_encoder_config=block,
        detr_encoder_config=block,
        detr_decoder_config={**block, "num_queries": 5},
        mask_decoder_config={"hidden_size": _WIDE, "num_attention_heads": 2},
    )
