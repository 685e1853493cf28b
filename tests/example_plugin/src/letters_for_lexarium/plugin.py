"""What letters-for-lexarium offers."""

from lexarium.hookspecs import hookimpl
from lexarium.method import FuserMethod, HeadMethod, Method


@hookimpl
def lexarium_methods() -> list[Method]:
    """Offer an embedder."""
    return [
        Method(
            name="letters",
            summary="How often each letter occurs, hashed.",
            embedder="letters_for_lexarium.letters:Letters",
            config="letters_for_lexarium.letters:LettersConfig",
            trainer="letters_for_lexarium.letters:fit",
            cost=0,
        )
    ]


@hookimpl
def lexarium_heads() -> list[HeadMethod]:
    """Offer a head."""
    return [
        HeadMethod(
            name="centroid",
            summary="The class whose mean vector is nearest.",
            head="letters_for_lexarium.centroid:Centroid",
            config="letters_for_lexarium.centroid:CentroidConfig",
        )
    ]


@hookimpl
def lexarium_fusers() -> list[FuserMethod]:
    """Offer a fuser."""
    return [
        FuserMethod(
            name="concat",
            summary="The parts side by side.",
            fuser="letters_for_lexarium.concat:Concat",
            config="letters_for_lexarium.concat:ConcatConfig",
        )
    ]
