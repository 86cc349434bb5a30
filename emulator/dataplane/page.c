/* The load balancer's own answers: error pages, reason phrases and the Location of redirects.
 * Source: Application Load Balancers User Guide, "Troubleshoot your Application Load Balancers",
 * "Redirect actions"; titles and lengths as real load balancers show them. */
#include "base/macros.h"
#include "dataplane/http_rewrite.h"
#include "dataplane/rule.h"

enum { LOCATION_MAX = 8 * 1024 };

#define PAGE(title)                                      \
    STR_INIT("<html>\r\n"                                \
             "<head><title>" title "</title></head>\r\n" \
             "<body>\r\n"                                \
             "<center><h1>" title "</h1></center>\r\n"   \
             "</body>\r\n"                               \
             "</html>\r\n")
#define TITLED(status, reason, closes)                             \
    {                                                              \
        status, closes, STR_INIT(reason), PAGE(#status " " reason) \
    }

static const struct page {
    unsigned status;
    bool closes;
    struct str reason, body;
} pages[] = {
    TITLED(301, "Moved Permanently", false),
    TITLED(302, "Found", false),
    TITLED(400, "Bad Request", true),
    TITLED(401, "Authorization Required", false),
    TITLED(403, "Forbidden", false),
    TITLED(405, "Not Allowed", false),
    TITLED(408, "Request Time-out", true),
    TITLED(413, "Request Entity Too Large", true),
    TITLED(414, "Request-URI Too Large", true),
    TITLED(463, "", false),
    {464, false, STR_INIT(""), STR_INIT("")},
    TITLED(500, "Internal Server Error", false),
    TITLED(501, "Not Implemented", true),
    TITLED(502, "Bad Gateway", false),
    TITLED(503, "Service Temporarily Unavailable", false),
    TITLED(504, "Gateway Time-out", false),
    TITLED(505, "HTTP Version Not Supported", true),
    TITLED(561, "", false),
};

static const struct {
    unsigned status;
    struct str reason;
} reasons[] = {
    {200, STR_INIT("OK")                             },
    {201, STR_INIT("Created")                        },
    {202, STR_INIT("Accepted")                       },
    {203, STR_INIT("Non-Authoritative Information")  },
    {204, STR_INIT("No Content")                     },
    {205, STR_INIT("Reset Content")                  },
    {206, STR_INIT("Partial Content")                },
    {207, STR_INIT("Multi-Status")                   },
    {208, STR_INIT("Already Reported")               },
    {226, STR_INIT("IM Used")                        },
    {301, STR_INIT("Moved Permanently")              },
    {302, STR_INIT("Found")                          },
    {400, STR_INIT("Bad Request")                    },
    {401, STR_INIT("Unauthorized")                   },
    {402, STR_INIT("Payment Required")               },
    {403, STR_INIT("Forbidden")                      },
    {404, STR_INIT("Not Found")                      },
    {405, STR_INIT("Method Not Allowed")             },
    {406, STR_INIT("Not Acceptable")                 },
    {407, STR_INIT("Proxy Authentication Required")  },
    {408, STR_INIT("Request Timeout")                },
    {409, STR_INIT("Conflict")                       },
    {410, STR_INIT("Gone")                           },
    {411, STR_INIT("Length Required")                },
    {412, STR_INIT("Precondition Failed")            },
    {413, STR_INIT("Request Entity Too Large")       },
    {414, STR_INIT("Request-URI Too Long")           },
    {415, STR_INIT("Unsupported Media Type")         },
    {416, STR_INIT("Requested Range Not Satisfiable")},
    {417, STR_INIT("Expectation Failed")             },
    {418, STR_INIT("I'm a teapot")                   },
    {421, STR_INIT("Misdirected Request")            },
    {422, STR_INIT("Unprocessable Entity")           },
    {423, STR_INIT("Locked")                         },
    {424, STR_INIT("Failed Dependency")              },
    {426, STR_INIT("Upgrade Required")               },
    {428, STR_INIT("Precondition Required")          },
    {429, STR_INIT("Too Many Requests")              },
    {431, STR_INIT("Request Header Fields Too Large")},
    {451, STR_INIT("Unavailable For Legal Reasons")  },
    {500, STR_INIT("Internal Server Error")          },
    {501, STR_INIT("Not Implemented")                },
    {502, STR_INIT("Bad Gateway")                    },
    {503, STR_INIT("Service Unavailable")            },
    {504, STR_INIT("Gateway Timeout")                },
    {505, STR_INIT("HTTP Version Not Supported")     },
    {507, STR_INIT("Insufficient Storage")           },
    {508, STR_INIT("Loop Detected")                  },
    {511, STR_INIT("Network Authentication Required")},
};

struct str http_reason(unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return (struct str){0};
}

static const struct page *find_page(unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (pages[i].status == status)
            return &pages[i];
    return NULL;
}

bool page_find(unsigned status, struct own_answer *ret_answer)
{
    const struct page *p = find_page(status);

    if (p == NULL)
        return false;
    *ret_answer = (struct own_answer){
        .status = status,
        .reason = p->reason,
        .content_type = p->body.n > 0 ? S("text/html") : (struct str){0},
        .body = p->body,
    };
    return true;
}

void page_unknown_host(struct own_answer *ret_answer)
{
    *ret_answer = (struct own_answer){
        .status = 404,
        .content_type = S("text/plain; charset=utf-8"),
        .body = S("Elbow: no load balancer answers to this Host. Use the DNS name that "
                  "describe-load-balancers (or kubectl get ingress) shows.\n"),
    };
}

void page_clear_to_tls(struct own_answer *ret_answer)
{
    *ret_answer = (struct own_answer){
        .status = 400,
        .content_type = S("text/html"),
        .body =
            S("<html>\r\n"
              "<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n"
              "<body>\r\n"
              "<center><h1>400 Bad Request</h1></center>\r\n"
              "<center>The plain HTTP request was sent to HTTPS port</center>\r\n"
              "</body>\r\n"
              "</html>\r\n"),
    };
}

bool page_closes(unsigned status)
{
    const struct page *p = find_page(status);

    return p != NULL && p->closes;
}

/* --- redirects ---------------------------------------------------------------------------- */

struct placeholders {
    struct str protocol, host, port, path, query;
};

static bool take_placeholder(struct str *rest, const struct placeholders *p, struct str *ret_value)
{
    const struct {
        struct str text, value;
    } table[] = {
        {S("#{protocol}"), p->protocol},
        {S("#{host}"),     p->host    },
        {S("#{port}"),     p->port    },
        {S("#{path}"),     p->path    },
        {S("#{query}"),    p->query   },
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!str_starts(*rest, table[i].text))
            continue;
        *rest = str_from(*rest, table[i].text.n);
        *ret_value = table[i].value;
        return true;
    }
    return false;
}

static void fill(struct text *t, struct str pattern, const struct placeholders *p)
{
    while (pattern.n > 0) {
        size_t mark = str_find(pattern, S("#{"));
        struct str value;

        text_add(t, str_first(pattern, mark));
        pattern = str_from(pattern, mark);
        if (pattern.n == 0)
            return;
        if (take_placeholder(&pattern, p, &value)) {
            text_add(t, value);
        } else {
            text_add(t, S("#"));
            pattern = str_from(pattern, 1);
        }
    }
}

static void fill_protocol(struct text *t, struct str pattern, const struct placeholders *p)
{
    if (str_ieq(pattern, S("HTTP")))
        text_add(t, S("http"));
    else if (str_ieq(pattern, S("HTTPS")))
        text_add(t, S("https"));
    else
        fill(t, pattern, p);
}

bool redirect_location(struct text *t, const struct dp_action *a, const struct request_head *h,
                       bool tls, uint16_t listener_port, struct str dns_name)
{
    char port_room[8], query_room[LOCATION_MAX];
    struct text port = {.at = port_room, .room = sizeof port_room};
    struct text query = {.at = query_room, .room = sizeof query_room};
    size_t start = t->n;
    struct placeholders p = {
        .protocol = tls ? S("https") : S("http"),
        .host = http_host_name(h->host.n > 0 ? h->host : dns_name),
        .path = str_from(h->path, 1),
        .query = h->query,
    };

    text_number(&port, listener_port);
    p.port = str_n(port.at, port.n);
    fill_protocol(t, a->protocol, &p);
    text_add(t, S("://"));
    fill(t, a->host, &p);
    text_add(t, S(":"));
    fill(t, a->port, &p);
    fill(t, a->path, &p);
    fill(&query, a->query, &p);
    if (query.n > 0) {
        text_add(t, S("?"));
        text_add(t, str_n(query.at, query.n));
    }
    return !t->full && !query.full && t->n - start <= LOCATION_MAX;
}
