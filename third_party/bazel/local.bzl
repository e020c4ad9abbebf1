"""A repository over a folder of the system, usable from WORKSPACE and MODULE.bazel."""

def _impl(rctx):
    root = rctx.path(rctx.attr.path)
    if not root.exists:
        fail("%s: no %s; tools/setup installs what is missing" % (rctx.name, rctx.attr.path))
    for member in rctx.attr.members:
        rctx.symlink(rctx.path(rctx.attr.path + "/" + member), member)
    rctx.symlink(rctx.attr.build_file, "BUILD.bazel")

system_repository = repository_rule(
    implementation = _impl,
    local = True,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "members": attr.string_list(doc = "folders of `path` that the build file names"),
        "path": attr.string(mandatory = True),
    },
)
