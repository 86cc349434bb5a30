/* ACM: what its two files share. A certificate is a row of store/resource.h: its detail is the
 * document, its private key the secret; what listeners present lies in store/tls_material.h. */
#pragma once

#include "aws/document.h"
#include "aws/page.h"
#include "aws/service.h"
#include "schema/aws/acm.h"
#include "store/resource.h"

#define ACM_CERTIFICATE "acm/certificate"

/* What the API keeps of a certificate beside its detail. */
struct acm_row {
    struct resource *resource;
    struct acm_certificate_detail *detail;
    struct str chain; /* PEM of the leaf, then of its issuers */
};

/* The certificate of that ARN in the call's account and region; else false and the error. */
bool acm_need(struct call *c, struct str arn, struct acm_row *ret_row, struct done *ret_done);

/* Where it is used: ARNs of load balancers whose listeners have it. */
int acm_users(struct call *c, struct str arn, struct str_list *ret_arns);

/* Sets tags; false and the error for a bad key or too many. */
bool acm_put_tags(struct call *c, struct str arn, const struct acm_tag *tags, size_t n,
                  struct done *ret_done);

bool acm_failed(struct call *c, int error, struct done *ret_done);

/* acm_make.c */
aws_handler acm_import_certificate, acm_request_certificate;
