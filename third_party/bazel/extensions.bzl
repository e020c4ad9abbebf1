"""The repositories of repositories.bzl for MODULE.bazel."""

load("//:repositories.bzl", "declare_dependencies")

def _impl(_ctx):
    declare_dependencies({})

tandem_dependencies_ext = module_extension(implementation = _impl)
