/* Tokens. Source: RFC 7515 appendix A.2 (its key and signature), RFC 7519 §4.1.3. */
#include "auth/jwt.h"

#include <errno.h>

#include "test.h"

static const char rfc_jwk[] =
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
    "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
    "7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC"
    "o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    "\",\"e\":\"AQAB\"}";
static const char rfc_token[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1"
    "L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOY"
    "EUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

TEST(the_example_of_the_rfc_verifies)
{
    CLEANUP(json_freep) cJSON *jwk = json_parse(str_c(rfc_jwk), NULL);
    struct jwt_key *key = NULL;
    struct arena a = {0};
    struct jwt jwt;

    assert_int_equal(jwt_key_from_jwk(jwk, &key), 0);
    CHECK("it parses", jwt_parse(&a, str_c(rfc_token), &jwt));
    CHECK("it verifies", jwt_verify(&jwt, key));
    jwt_deinit(&jwt);
    jwt_key_free(key);
    arena_free(&a);
}

TEST(what_was_signed_verifies_with_the_same_key_only)
{
    CLEANUP(json_freep) cJSON *claims = cJSON_CreateObject();
    CLEANUP(json_freep) cJSON *jwk = NULL;
    struct jwt_key *key = NULL, *other = NULL, *again = NULL, *half = NULL;
    struct arena a = {0};
    struct str token;
    struct jwt jwt;

    json_put_str(claims, S("sub"), S("system:serviceaccount:kube-system:x"));
    cJSON_AddItemToArray(json_need_array(claims, "aud"), json_new_str(S("sts.amazonaws.com")));
    assert_int_equal(jwt_key_new(&key), 0);
    assert_int_equal(jwt_key_new(&other), 0);
    assert_int_equal(jwt_key_load(jwt_key_pem(key, &a), &again), 0);
    jwk = jwt_key_jwk(key);
    assert_int_equal(jwt_key_from_jwk(jwk, &half), 0);
    token = jwt_sign(key, &a, claims);
    CHECK("it parses", jwt_parse(&a, token, &jwt));
    CHECK("the key verifies", jwt_verify(&jwt, key));
    CHECK("and its copy from PEM", jwt_verify(&jwt, again));
    CHECK("and its public half", jwt_verify(&jwt, half));
    CHECK("another does not", !jwt_verify(&jwt, other));
    CHECK_STR("the id depends on the key alone", jwt_key_id(again), jwt_key_id(key));
    CHECK_STR("the header names it", json_str(jwt.header, "kid"), jwt_key_id(key));
    CHECK("the audience", jwt_has_audience(&jwt, S("sts.amazonaws.com")));
    CHECK("no other audience", !jwt_has_audience(&jwt, S("sts")));
    jwt_deinit(&jwt);
    jwt_key_free(key);
    jwt_key_free(other);
    jwt_key_free(again);
    jwt_key_free(half);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str token;
} broken[] = {
    {"two parts are none",       STR_INIT("eyJhIjoxfQ.eyJhIjoxfQ")          },
    {"the header is an object",  STR_INIT("WzFd.eyJhIjoxfQ.AAAA")           },
    {"the claims are an object", STR_INIT("eyJhIjoxfQ.MQ.AAAA")             },
    {"base64 only",              STR_INIT("eyJhIjoxfQ.eyJhIjoxfQ.!!")       },
    {"four parts are none",      STR_INIT("eyJhIjoxfQ.eyJhIjoxfQ.AAAA.AAAA")},
    {"nothing is none",          STR_INIT("")                               },
};

TEST(what_is_no_token_is_refused)
{
    struct arena a = {0};
    struct jwt jwt;

    CASE_EACH(c, broken)
        CHECK(c->label, !jwt_parse(&a, c->token, &jwt));
    arena_free(&a);
}

TEST(the_token_does_not_choose_its_algorithm)
{
    struct jwt_key *key = NULL;
    struct arena a = {0};
    struct jwt jwt;

    assert_int_equal(jwt_key_new(&key), 0);
    CHECK("alg none parses", jwt_parse(&a, S("eyJhbGciOiJub25lIn0.eyJhIjoxfQ."), &jwt));
    CHECK("and is not believed", !jwt_verify(&jwt, key));
    jwt_deinit(&jwt);
    jwt_key_free(key);
    arena_free(&a);
}

TEST_MAIN(T(the_example_of_the_rfc_verifies), T(what_was_signed_verifies_with_the_same_key_only),
          T(what_is_no_token_is_refused), T(the_token_does_not_choose_its_algorithm))
