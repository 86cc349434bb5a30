/* Forms of words. Source: k8s.io/apimachinery pkg/util/validation and pkg/api/validation for the
 * rules and their words; RFC 1035, RFC 1123. */
#include "kube/validation_words.h"

#include <arpa/inet.h>

enum { LONGEST_LABEL = 63, LONGEST_SUBDOMAIN = 253, LONGEST_PORT_NAME = 15 };

static void fault(struct word_faults *f, struct str text)
{
    if (f->n < WORD_MOST_FAULTS)
        f->at[f->n++] = text;
}

static void check_length(struct word_faults *f, struct str word, size_t most)
{
    if (word.n > most)
        fault(f, arena_printf(f->arena, "must be no more than %zu characters", most));
}

/* --- characters --------------------------------------------------------------------------- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_alnum(char c)
{
    return is_lower(c) || is_digit(c);
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool all_of(struct str s, bool (*is)(char c), const char *others)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is(s.at[i]) && (s.at[i] == '\0' || strchr(others, s.at[i]) == NULL))
            return false;
    return true;
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool is_label(struct str s)
{
    return s.n > 0 && is_lower_alnum(s.at[0]) && is_lower_alnum(s.at[s.n - 1]) &&
           all_of(s, is_lower_alnum, "-");
}

static bool is_subdomain(struct str s)
{
    struct str part;
    size_t parts = 0, dots = 0;

    for (size_t i = 0; i < s.n; i++)
        dots += s.at[i] == '.';
    while (str_next(&s, '.', &part)) {
        if (!is_label(part))
            return false;
        parts++;
    }
    return parts == dots + 1;
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool is_name_part(struct str s)
{
    return s.n > 0 && is_alnum(s.at[0]) && is_alnum(s.at[s.n - 1]) && all_of(s, is_alnum, "-_.");
}

/* --- names -------------------------------------------------------------------------------- */

void word_dns_label(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_LABEL);
    if (!is_label(word))
        fault(f, S("a lowercase RFC 1123 label must consist of lower case alphanumeric characters "
                   "or '-', and must start and end with an alphanumeric character (e.g. "
                   "'my-name',  or '123-abc', regex used for validation is "
                   "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
}

void word_dns_subdomain(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_SUBDOMAIN);
    if (!is_subdomain(word))
        fault(f, S("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                   "characters, '-' or '.', and must start and end with an alphanumeric character "
                   "(e.g. 'example.com', regex used for validation is "
                   "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
}

void word_dns_1035_label(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_LABEL);
    if (!is_label(word) || !is_lower(word.at[0]))
        fault(f, S("a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                   "start with an alphabetic character, and end with an alphanumeric character "
                   "(e.g. 'my-name',  or 'abc-123', regex used for validation is "
                   "'[a-z]([-a-z0-9]*[a-z0-9])?')"));
}

void word_wildcard_subdomain(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_SUBDOMAIN);
    if (!str_starts(word, S("*.")) || !is_subdomain(str_from(word, 2)))
        fault(f, S("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS "
                   "subdomain, which must consist of lower case alphanumeric characters, '-' or "
                   "'.' and end with an alphanumeric character (e.g. '*.example.com', regex used "
                   "for validation is "
                   "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
}

void word_path_segment(struct word_faults *f, struct str word)
{
    if (str_is(word, ".") || str_is(word, "..")) {
        fault(f, arena_printf(f->arena, "may not be '%.*s'", STR_ARG(word)));
        return;
    }
    if (str_chr(word, '/') != STR_NONE)
        fault(f, S("may not contain '/'"));
    if (str_chr(word, '%') != STR_NONE)
        fault(f, S("may not contain '%'"));
}

#define NAME_PART                                                                               \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "      \
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

static void check_prefix(struct word_faults *f, struct str prefix)
{
    struct word_faults own = {.arena = f->arena};

    if (prefix.n == 0) {
        fault(f, S("prefix part must be non-empty"));
        return;
    }
    word_dns_subdomain(&own, prefix);
    for (size_t i = 0; i < own.n; i++)
        fault(f, arena_printf(f->arena, "prefix part %.*s", STR_ARG(own.at[i])));
}

void word_qualified_name(struct word_faults *f, struct str word)
{
    struct str prefix, name = word;

    if (str_cut(word, '/', &prefix, &name)) {
        if (str_chr(name, '/') != STR_NONE) {
            fault(f, S("a qualified name " NAME_PART " with an optional DNS subdomain prefix and "
                       "'/' (e.g. 'example.com/MyName')"));
            return;
        }
        check_prefix(f, prefix);
    } else {
        name = word;
    }
    if (name.n == 0)
        fault(f, S("name part must be non-empty"));
    else if (name.n > LONGEST_LABEL)
        fault(f, S("name part must be no more than 63 characters"));
    if (!is_name_part(name))
        fault(f, S("name part " NAME_PART));
}

void word_label_value(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_LABEL);
    if (word.n > 0 && !is_name_part(word))
        fault(f, S("a valid label must be an empty string or consist of alphanumeric characters, "
                   "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
                   "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                   "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"));
}

/* --- keys and variables ------------------------------------------------------------------- */

static void check_dots(struct word_faults *f, struct str word)
{
    if (str_is(word, "."))
        fault(f, S("must not be '.'"));
    else if (str_is(word, ".."))
        fault(f, S("must not be '..'"));
    else if (str_starts(word, S("..")))
        fault(f, S("must not start with '..'"));
}

void word_config_key(struct word_faults *f, struct str word)
{
    check_length(f, word, LONGEST_SUBDOMAIN);
    if (word.n == 0 || !all_of(word, is_alnum, "-._"))
        fault(f, S("a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
                   "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
                   "'[-._a-zA-Z0-9]+')"));
    check_dots(f, word);
}

void word_env_name(struct word_faults *f, struct str word)
{
    if (word.n == 0 || is_digit(word.at[0]) || !all_of(word, is_alnum, "-._"))
        fault(f, S("a valid environment variable name must consist of alphabetic characters, "
                   "digits, '_', '-', or '.', and must not start with a digit (e.g. "
                   "'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation "
                   "is '[-._a-zA-Z][-._a-zA-Z0-9]*')"));
    check_dots(f, word);
}

void word_port_name(struct word_faults *f, struct str word)
{
    bool letter = false;

    if (word.n > LONGEST_PORT_NAME)
        check_length(f, word, LONGEST_PORT_NAME);
    if (!all_of(word, is_lower_alnum, "-"))
        fault(f, S("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"));
    for (size_t i = 0; i < word.n; i++)
        letter = letter || is_lower(word.at[i]);
    if (!letter)
        fault(f, S("must contain at least one letter (a-z)"));
    if (str_find(word, S("--")) != STR_NONE)
        fault(f, S("must not contain consecutive hyphens"));
    if (word.n > 0 && (word.at[0] == '-' || word.at[word.n - 1] == '-'))
        fault(f, S("must not begin or end with a hyphen"));
}

void word_percent(struct word_faults *f, struct str word)
{
    if (word.n < 2 || word.at[word.n - 1] != '%' ||
        !all_of(str_first(word, word.n - 1), is_digit, ""))
        fault(f, S("a valid percent string must be a numeric string followed by an ending '%' "
                   "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"));
}

/* --- addresses ---------------------------------------------------------------------------- */

static bool is_address(struct str s, int *ret_bits)
{
    char text[INET6_ADDRSTRLEN] = {0};
    unsigned char bytes[16];

    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.at, s.n);
    *ret_bits = 32;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return true;
    *ret_bits = 128;
    return inet_pton(AF_INET6, text, bytes) == 1;
}

void word_ip(struct word_faults *f, struct str word)
{
    int bits;

    if (!is_address(word, &bits))
        fault(f, S("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
}

void word_cidr(struct word_faults *f, struct str word)
{
    struct str address, length;
    int64_t n;
    int bits;

    if (!str_cut(word, '/', &address, &length) || !is_address(address, &bits) ||
        !str_to_int(length, &n) || n < 0 || n > bits)
        fault(f, S("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
}

void word_as_prefix(struct word_faults *f, word_check *check, struct str word)
{
    if (word.n > 1 && word.at[word.n - 1] == '-') {
        char *masked = arena_cstr(f->arena, word);

        masked[word.n - 1] = 'a';
        word = str_n(masked, word.n);
    }
    check(f, word);
}
