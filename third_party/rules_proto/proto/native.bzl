proto_info = ProtoInfo
