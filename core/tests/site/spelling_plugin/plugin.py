"""What the plugin offers."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, HeadMethod, Method, StoreKind


@hookimpl
def lexarium_methods():
    return [
        Method(
            name="spelling",
            summary="how often each letter occurs",
            embedder="spelling_plugin.embedder:Spelling",
            config="spelling_plugin.embedder:SpellingConfig",
            trainer="spelling_plugin.embedder:fit",
            reader="spelling_plugin.embedder:read",
            updater="spelling_plugin.embedder:update",
            merger="spelling_plugin.embedder:merge",
            exports={"list": "spelling_plugin.embedder:write"},
            cost=0,
        )
    ]


@hookimpl
def lexarium_heads():
    return [
        HeadMethod(
            name="nearest",
            summary="the class whose mean is nearest",
            head="spelling_plugin.head:Nearest",
            config="spelling_plugin.head:NearestConfig",
        )
    ]


@hookimpl
def lexarium_stores():
    return [StoreKind(name="local", summary="a folder each", store="spelling_plugin.store:FolderStore")]


@hookimpl
def lexarium_commands():
    return [
        Command(
            name="shout",
            summary="A text in capitals.",
            command="spelling_plugin.cli:shout",
            verb="spelling_plugin.embedder:spell",
        ),
        Command(name="fail", summary="Fail as asked.", command="spelling_plugin.cli:fail"),
    ]
