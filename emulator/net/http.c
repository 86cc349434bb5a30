/* Headers, targets and statuses. Source: RFC 9110 §5, §15; RFC 3986 §2, §3. */
#include "net/http.h"

#include <time.h>

#include "base/buf.h"
#include "base/percent.h"

struct str http_header_get(struct http_headers headers, struct str name)
{
    for (size_t i = 0; i < headers.n; i++)
        if (str_ieq(headers.at[i].name, name))
            return headers.at[i].value;
    return (struct str){0};
}

bool http_header_has(struct http_headers headers, struct str name)
{
    for (size_t i = 0; i < headers.n; i++)
        if (str_ieq(headers.at[i].name, name))
            return true;
    return false;
}

bool http_header_lists(struct http_headers headers, struct str name, struct str token)
{
    for (size_t i = 0; i < headers.n; i++) {
        struct str rest = headers.at[i].value, part;

        if (!str_ieq(headers.at[i].name, name))
            continue;
        while (str_next(&rest, ',', &part))
            if (str_ieq(str_trim(part), token))
                return true;
    }
    return false;
}

static const struct {
    int status;
    struct str text;
} statuses[] = {
    {100, STR_INIT("Continue")                       },
    {101, STR_INIT("Switching Protocols")            },
    {200, STR_INIT("OK")                             },
    {201, STR_INIT("Created")                        },
    {202, STR_INIT("Accepted")                       },
    {204, STR_INIT("No Content")                     },
    {206, STR_INIT("Partial Content")                },
    {301, STR_INIT("Moved Permanently")              },
    {302, STR_INIT("Found")                          },
    {303, STR_INIT("See Other")                      },
    {304, STR_INIT("Not Modified")                   },
    {307, STR_INIT("Temporary Redirect")             },
    {308, STR_INIT("Permanent Redirect")             },
    {400, STR_INIT("Bad Request")                    },
    {401, STR_INIT("Unauthorized")                   },
    {403, STR_INIT("Forbidden")                      },
    {404, STR_INIT("Not Found")                      },
    {405, STR_INIT("Method Not Allowed")             },
    {406, STR_INIT("Not Acceptable")                 },
    {408, STR_INIT("Request Timeout")                },
    {409, STR_INIT("Conflict")                       },
    {410, STR_INIT("Gone")                           },
    {411, STR_INIT("Length Required")                },
    {412, STR_INIT("Precondition Failed")            },
    {413, STR_INIT("Request Entity Too Large")       },
    {414, STR_INIT("URI Too Long")                   },
    {415, STR_INIT("Unsupported Media Type")         },
    {416, STR_INIT("Range Not Satisfiable")          },
    {417, STR_INIT("Expectation Failed")             },
    {421, STR_INIT("Misdirected Request")            },
    {422, STR_INIT("Unprocessable Entity")           },
    {425, STR_INIT("Too Early")                      },
    {429, STR_INIT("Too Many Requests")              },
    {431, STR_INIT("Request Header Fields Too Large")},
    {500, STR_INIT("Internal Server Error")          },
    {501, STR_INIT("Not Implemented")                },
    {502, STR_INIT("Bad Gateway")                    },
    {503, STR_INIT("Service Unavailable")            },
    {504, STR_INIT("Gateway Timeout")                },
    {505, STR_INIT("HTTP Version Not Supported")     },
    {507, STR_INIT("Insufficient Storage")           },
};

struct str http_status_text(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return S("Unknown");
}

bool http_query_get(struct arena *a, struct str query, struct str name, struct str *ret_value)
{
    struct str part;

    while (str_next(&query, '&', &part)) {
        struct str key = part, value = {0}, text;

        (void)str_cut(part, '=', &key, &value);
        if (!percent_decode(a, key, true, &text) || !str_eq(text, name))
            continue;
        return percent_decode(a, value, true, ret_value);
    }
    return false;
}

bool http_cut_authority(struct str authority, uint16_t otherwise, struct str *ret_host,
                        uint16_t *ret_port)
{
    struct str host = authority, port = {0};
    size_t bracket = str_chr(authority, ']'), colon;
    int64_t number = otherwise;

    if (authority.n > 0 && authority.at[0] == '[') {
        if (bracket == STR_NONE)
            return false;
        host = str_n(authority.at + 1, bracket - 1);
        port = str_from(authority, bracket + 1);
        if (port.n > 0 && port.at[0] != ':')
            return false;
    } else if ((colon = str_rchr(authority, ':')) != STR_NONE) {
        host = str_first(authority, colon);
        port = str_from(authority, colon);
        if (str_chr(host, ':') != STR_NONE)
            return false;
    }
    if (port.n > 1 && (port.n > 6 || !str_to_int(str_from(port, 1), &number)))
        return false;
    if (host.n == 0 || number < 1 || number > UINT16_MAX)
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)number;
    return true;
}

bool http_parse_url(struct str url, struct http_url *ret_url)
{
    struct http_url u = {0};
    struct str rest;
    size_t end = 0;

    if (url.n > 8 && str_ieq(str_first(url, 8), S("https://")))
        u.tls = true;
    else if (url.n <= 7 || !str_ieq(str_first(url, 7), S("http://")))
        return false;
    rest = str_from(url, u.tls ? 8 : 7);
    while (end < rest.n && rest.at[end] != '/' && rest.at[end] != '?' && rest.at[end] != '#')
        end++;
    u.authority = str_first(rest, end);
    rest = str_from(rest, end);
    if (str_chr(rest, '#') != STR_NONE)
        rest = str_first(rest, str_chr(rest, '#'));
    /* "http://host?q" has an empty path: the query alone is no target, but the slice cannot grow a
     * slash, so who sends it puts one in front. */
    u.target = rest.n > 0 ? rest : S("/");
    if (str_chr(u.authority, '@') != STR_NONE ||
        !http_cut_authority(u.authority, u.tls ? 443 : 80, &u.host, &u.port))
        return false;
    *ret_url = u;
    return true;
}

void http_write_date(struct buf *b, int64_t ms)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm = {.tm_mday = 1};

    (void)gmtime_r(&seconds, &tm);
    buf_printf(b, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
