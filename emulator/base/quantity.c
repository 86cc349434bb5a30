/* Quantities in thousandths. Larger ones than fit are cut to the largest. */
#include "base/quantity.h"

#include <math.h>
#include <stdlib.h>

#include "base/macros.h"

static const struct {
    const char *suffix;
    double factor;
} suffixes[] = {
    {"",   1     },
    {"n",  1e-9  },
    {"u",  1e-6  },
    {"m",  1e-3  },
    {"k",  1e3   },
    {"M",  1e6   },
    {"G",  1e9   },
    {"T",  1e12  },
    {"P",  1e15  },
    {"E",  1e18  },
    {"Ki", 0x1p10},
    {"Mi", 0x1p20},
    {"Gi", 0x1p30},
    {"Ti", 0x1p40},
    {"Pi", 0x1p50},
    {"Ei", 0x1p60},
};

/* The digits (with sign, point and exponent) in front. */
static size_t number_length(struct str s)
{
    size_t i = 0;

    if (i < s.n && (s.at[i] == '-' || s.at[i] == '+'))
        i++;
    while (i < s.n && ((s.at[i] >= '0' && s.at[i] <= '9') || s.at[i] == '.'))
        i++;
    /* "1e3" is an exponent, "1E" and "1Ei" are suffixes */
    if (i + 1 < s.n && (s.at[i] == 'e' || s.at[i] == 'E') &&
        ((s.at[i + 1] >= '0' && s.at[i + 1] <= '9') || s.at[i + 1] == '-' || s.at[i + 1] == '+')) {
        i += 2;
        while (i < s.n && s.at[i] >= '0' && s.at[i] <= '9')
            i++;
    }
    return i;
}

bool quantity_parse(struct str text, int64_t *ret_milli)
{
    char number[64], *end;
    size_t n = number_length(text);
    double value;

    if (n == 0 || n >= sizeof number)
        return false;
    memcpy(number, text.at, n);
    number[n] = '\0';
    value = strtod(number, &end);
    if (end != number + n)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (!str_is(str_from(text, n), suffixes[i].suffix))
            continue;
        value = ceil(value * suffixes[i].factor * 1000 - 1e-6);
        *ret_milli = value > 9e18 ? INT64_MAX : value < -9e18 ? INT64_MIN : (int64_t)value;
        return true;
    }
    return false;
}

int64_t quantity_of(const cJSON *item)
{
    int64_t milli = 0;

    if (cJSON_IsNumber(item))
        return (int64_t)(item->valuedouble * 1000);
    (void)quantity_parse(json_text(item), &milli);
    return milli;
}

int64_t int_or_percent(const cJSON *item, int64_t total, bool up, int64_t otherwise)
{
    struct str text = json_text(item);
    int64_t percent;

    if (cJSON_IsNumber(item))
        return (int64_t)item->valuedouble;
    if (!str_ends(text, S("%")) || !str_to_int(str_first(text, text.n - 1), &percent))
        return otherwise;
    return up ? (total * percent + 99) / 100 : total * percent / 100;
}
