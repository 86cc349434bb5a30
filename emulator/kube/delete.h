/* delete and deletecollection. */
#pragma once

#include "kube/call.h"

void kube_delete(struct kube_call *c);
void kube_delete_collection(struct kube_call *c);
