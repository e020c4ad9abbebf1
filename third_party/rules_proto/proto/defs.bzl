load(":native.bzl", "proto_info")

ProtoInfo = proto_info  # a file can't re-export a builtin under its own name
proto_library = native.proto_library
proto_lang_toolchain = native.proto_lang_toolchain
