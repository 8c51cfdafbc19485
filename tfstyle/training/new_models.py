"""The model that a run trains, untrained, and its copy for samples and the final file."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfstyle import models
from tfstyle.config import TrainConfig, did_you_mean
from tfstyle.config.options import parse_assignments
from tfstyle.errors import InputError, brief
from tfstyle.models.capabilities import Growable, MoreStyles, NamedStyles, StylePictures, require
from tfstyle.models.loading import architecture_of, own_arguments
from tfstyle.training.objectives import loss_terms_of


def load_first(config: TrainConfig) -> Any:
    """The model of `config.init_model`, or None.

    Raises: InputError if it is no model, or styles are to be added and it cannot learn any.
    """
    if not config.init_model:
        return None
    trained = models.load_model(config.init_model, "init_model")
    if config.add_style:
        require(trained, MoreStyles, "--add_style")
        if type(trained) is not models.model_class(config.model):
            raise InputError(
                f"--add_style: {config.init_model} is no model of --model={config.model}; give "
                f"--model={architecture_of(trained)}"
            )
    return trained


def added_names(config: TrainConfig, known: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Names of all styles; InputError for too many, or one that there is already."""
    for name in new:
        if name in known:
            raise InputError(f"--add_style: there is a style '{name}' already; rename the file")
    kind = models.model_class(config.model)
    most = kind.most_styles if issubclass(kind, NamedStyles) else None
    if most and len(new) > most:
        flag = "style" if config.style else "style_dir"
        raise InputError(
            f"--{flag}: {len(new)} paintings; --model={config.model} is for {most}. Use conditional"
        )
    return (*known, *new)


def make_model(
    config: TrainConfig, style_names: Sequence[str], trained: Any = None
) -> models.StyleTransferModel:
    """An untrained model.

    Args:
        config: of the run.
        style_names: of a model with named styles; empty for others.
        trained: model to which styles are added: the new one has its arguments.
    Raises: InputError for `config.model_arguments` that do not fit the architecture.
    """
    arguments = parse_assignments("model_arguments", config.model_arguments)
    names = "encoder vgg_weights content_weight style_weight tv_weight style_loss".split()
    given = {"dtype": config.precision, **{name: getattr(config, name) for name in names}}
    flags = {**dict(zip(names, names, strict=True)), "dtype": "precision"}
    flags["style_names"] = "style_dir"
    if config.margin != -1:
        given["margin"], flags["margin"] = config.margin, "margin"
    if style_names:
        given["style_names"] = tuple(style_names)
    for name in flags.keys() & arguments.keys():
        raise InputError(f"--model_arguments: {name} has a flag of its own, --{flags[name]}")
    own = own_arguments(config.model)
    if config.add_style:
        given = {**{name: getattr(trained, name) for name in own}, **given}
    for name in _OF_KERAS & arguments.keys():
        raise _unknown(config, name, own)
    for name in own.keys() & arguments.keys():
        if not _is_like(arguments[name], own[name]):
            raise InputError(
                f"--model_arguments: {name}={arguments[name]}: give {_kind(own[name])}, such as "
                f"{name}={own[name]}"
            )
    try:
        return models.create_model(config.model, **{**given, **arguments})
    except (TypeError, ValueError, LookupError) as error:
        for name in arguments.keys() - own.keys():
            if f"'{name}'" in str(error):
                raise _unknown(config, name, own) from error
        reason = brief(error)
        if config.margin != -1 and "margin" in reason:
            if "Unrecognized" in reason:
                reason = f"{config.model} has no margin"
            raise InputError(f"--margin={config.margin}: {reason}") from error
        if not config.model_arguments:
            raise
        reason = "" if isinstance(error, LookupError) else f" ({reason})"
        defaults = ", ".join(f"{name}={own[name]}" for name in own.keys() & arguments.keys())
        raise InputError(
            f"--model_arguments: {' '.join(config.model_arguments)}: {config.model} cannot be made "
            f"with them{reason}; the defaults are {defaults}"
        ) from error


_OF_KERAS = {"name", "trainable", "autocast", "activity_regularizer"}  # that any layer takes


def _unknown(config, name, own):
    return InputError(
        f"--model_arguments: {config.model} has no argument '{name}'"
        f"{did_you_mean(name, tuple(own))}"
    )


_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


def _kind(default):
    """What values like `default` are called."""
    return _KINDS.get(type(default), "a list")


def _is_like(value, default):
    """Whether a value is of the type of a default: a number, text, or a list of them."""
    if isinstance(default, tuple):
        return isinstance(value, (list, tuple)) and all(_is_like(v, default[0]) for v in value)
    if isinstance(value, bool) or isinstance(default, bool):
        return type(value) is type(default)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def make_result_model(
    config: TrainConfig, model: models.StyleTransferModel, style_names: Sequence[str], trained: Any
) -> models.StyleTransferModel:
    """A float32 copy outside of the strategy, for samples and the final file."""
    twin = make_model(dataclasses.replace(config, precision="float32"), style_names, trained)
    for variable, own in zip(twin.weights, model.weights, strict=True):
        variable.assign(own.numpy())
        variable.trainable = own.trainable
    if isinstance(model, NamedStyles):
        twin.style_credits = model.style_credits
        twin.style_thumbnails = model.style_thumbnails
    return twin


def start_from(config: TrainConfig, model: models.StyleTransferModel, trained: Any) -> None:
    """Gives a model the weights of `config.init_model`; InputError if they do not fit."""
    try:
        if config.add_style:
            require(model, MoreStyles, "--add_style").keep_styles(trained)
        else:
            require(model, Growable, "--init_model").start_from(trained)
    except ValueError as error:
        raise InputError(
            f"--init_model: {config.init_model} does not fit --model={config.model} "
            f"--encoder={config.encoder}: {error}"
        ) from error


def load_teacher(
    config: TrainConfig, model: models.StyleTransferModel
) -> models.StyleTransferModel | None:
    """The model of `config.teacher`, or None.

    Raises: InputError if it is no model, or it or the model that learns has styles of its own.
    """
    if not config.teacher:
        return None
    teacher = models.load_model(config.teacher, "teacher")
    require(teacher, StylePictures, f"--teacher={config.teacher}")
    require(model, StylePictures, "--teacher")
    return teacher


def identity_of(
    model: models.StyleTransferModel,
    style_names: Sequence[str],
    teacher: models.StyleTransferModel | None,
) -> dict[str, Any]:
    """What a run must still have when it resumes, besides its flags."""
    identity: dict[str, Any] = {"encoder": model.frozen_identity()}
    if style_names:
        identity["style_names"] = list(style_names)
    if teacher:
        identity["teacher"] = teacher.whole_identity()
    return identity


def check_crop(
    model: models.StyleTransferModel,
    config: TrainConfig,
    teacher: models.StyleTransferModel | None = None,
) -> None:
    """Raises InputError if the models, which pad pictures, cannot be trained on the crops."""
    side, least = config.crop_size, max(one.min_size for one in (model, teacher) if one)
    if side >= least:
        return
    crop = np.zeros((1, side, side, 3), np.float32)
    inputs = {"content": crop, "style": crop, "style_index": np.zeros(1, np.int32)}
    inputs |= {"places": crop[..., :2], "noise": crop}
    try:
        loss_terms_of(model, config.temporal_weight, teacher)(inputs)
    except Exception as error:  # of Keras' backend, any
        needs = config.model if model.min_size == least else f"--teacher={config.teacher}"
        raise InputError(
            f"--crop_size={side}: too small for {needs}; give {-(-least // 8) * 8}"
        ) from error
