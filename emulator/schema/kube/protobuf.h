/* The protobuf wire, for those who read messages. Not for other rooms. */
#pragma once

#include "schema/kube/decode.h"

enum { KUBE_WIRE_VARINT = 0, KUBE_WIRE_FIXED64 = 1, KUBE_WIRE_BYTES = 2, KUBE_WIRE_FIXED32 = 5 };

struct kube_proto_part {
    uint64_t number;
    unsigned wire;
    uint64_t value;   /* of a number */
    struct str bytes; /* of KUBE_WIRE_BYTES; borrowed */
};

/* Takes one part off *@rest, which is not empty. False with p->error. */
bool kube_proto_next(struct kube_problems *p, struct str *rest, struct kube_proto_part *part);

/* The last bytes of that number in @message; empty when there are none. */
struct str kube_proto_text(struct kube_problems *p, struct str message, unsigned number);
