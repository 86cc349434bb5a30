/* Image names, the catalogue's form, and which entry is found. */
#include "runtime/image_catalogue.h"

#include "test.h"

/* Source: distribution/reference, "Grammar". */
static const struct {
    const char *label;
    struct str image, want; /* empty: no image name */
} names[] = {
    {"a short name is of docker's library", S("nginx"),                 S("docker.io/library/nginx:latest")   },
    {"a tag is kept",                       S("nginx:1.7.9"),           S("docker.io/library/nginx:1.7.9")    },
    {"two parts are of docker's hub",       S("amazon/x:v1"),           S("docker.io/amazon/x:v1")            },
    {"docker.io without library gets it",   S("docker.io/nginx:1"),     S("docker.io/library/nginx:1")        },
    {"the full name stays",                 S("docker.io/amazon/x:v1"), S("docker.io/amazon/x:v1")            },
    {"the index is docker.io",              S("index.docker.io/a/b:1"), S("docker.io/a/b:1")                  },
    {"a dot makes a registry",              S("quay.io/a/b"),           S("quay.io/a/b:latest")               },
    {"a port makes a registry",             S("host:5000/b"),           S("host:5000/b:latest")               },
    {"localhost is a registry",             S("localhost/b:2"),         S("localhost/b:2")                    },
    {"a digest needs no tag",               S("nginx@sha256:00"),       S("docker.io/library/nginx@sha256:00")},
    {"tag and digest stay together",        S("nginx:1@sha256:00"),
     S("docker.io/library/nginx:1@sha256:00")                                                                 },
    {"separators are within a part",        S("a-b__c/d.e--f:1"),       S("docker.io/a-b__c/d.e--f:1")        },
    {"capitals are no name",                S("Nginx"),                 {0}                                   },
    {"white space is no name",              S("nginx 1"),               {0}                                   },
    {"a tag may not be empty",              S("nginx:"),                {0}                                   },
    {"a tag may not begin with a dash",     S("nginx:-1"),              {0}                                   },
    {"a path may not end with a slash",     S("nginx/"),                {0}                                   },
    {"a part may not be empty",             S("a//b"),                  {0}                                   },
    {"an empty name is none",               S(""),                      {0}                                   },
};

TEST(names_are_read_as_docker_reads_them)
{
    CASE_EACH(c, names) {
        struct arena a = {0};
        struct str got = {0};

        CHECK(c->label, image_name_normalise(&a, c->image, &got) == (c->want.n > 0));
        CHECK_STR(c->label, got, c->want);
        arena_free(&a);
    }
}

static const struct {
    const char *label;
    struct str image, want; /* the program, empty for none */
} finds[] = {
    {"the tutorial's nginx",                S("nginx:1.7.9"),                                                 S("nginx")     },
    {"the tutorial's controller",           S("docker.io/amazon/aws-alb-ingress-controller:v1.1.4"),
     S("alb-ingress-controller")                                                                                             },
    {"a tag of the user's own comes first", S("nginx:mine"),                                                  S("/opt/nginx")},
    {"ECR of any region",                   S("602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/coredns:v1"),
     S("static")                                                                                                             },
    {"a digest means the image it names",   S("nginx@sha256:00"),                                             S("nginx")     },
    {"what nobody knows",                   S("ghcr.io/a/b:1"),                                               {0}            },
};

TEST(the_first_entry_that_fits_is_found)
{
    struct image_catalogue catalogue;
    struct arena a = {0};
    struct str why = {0};

    image_catalogue_init(&catalogue);
    CHECK("a setting is taken",
          image_catalogue_add(&catalogue, &a, S("nginx:mine=/opt/nginx"), &why) == 0);
    CHECK("the built-in catalogue is right",
          image_catalogue_read_builtin(&catalogue, &a, &why) == 0);
    CASE_EACH(c, finds) {
        const struct image_recipe *r;
        struct str name = {0};

        CHECK(c->label, image_name_normalise(&a, c->image, &name));
        r = image_catalogue_find(&catalogue, name);
        CHECK_STR(c->label, r == NULL ? (struct str){0} : r->program, c->want);
    }
    image_catalogue_deinit(&catalogue);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct str text, want;
} faults[] = {
    {"no YAML",               S("images: [\n"),                                           S("c:2:1: expected YAML")                         },
    {"no list",               S("images: 3\n"),                                           S("c:1:1: expected images: and a list of entries")},
    {"an unknown field",      S("images:\n- imag: a\n"),
     S("c:2:3: expected one of image, program, arguments, pod-arguments, ports, files, package")                                            },
    {"no program",            S("images:\n- image: a\n"),
     S("c:2:3: expected both image and program in an entry")                                                                                },
    {"a port out of range",   S("images:\n- {image: a, program: b, ports: [0]}\n"),
     S("c:2:34: expected a port from 1 to 65535")                                                                                           },
    {"a file outside",        S("images:\n- {image: a, program: b, files: {../x: y}}\n"),
     S("c:2:34: expected a relative path without ..")                                                                                       },
    {"an entry that is text", S("images:\n- nginx\n"),
     S("c:2:3: expected an entry with image and program")                                                                                   },
};

TEST(a_broken_catalogue_says_where_and_what)
{
    CASE_EACH(c, faults) {
        struct image_catalogue catalogue;
        struct arena a = {0};
        struct str why = {0};

        image_catalogue_init(&catalogue);
        CHECK(c->label, image_catalogue_read(&catalogue, &a, S("c"), c->text, &why) < 0);
        CHECK_STR(c->label, why, c->want);
        image_catalogue_deinit(&catalogue);
        arena_free(&a);
    }
}

TEST(an_unknown_image_names_the_file_to_add_it_to)
{
    struct image_catalogue catalogue;
    struct arena a = {0};
    struct str why;

    image_catalogue_init(&catalogue);
    why = image_unknown_message(&catalogue, &a, S("docker.io/library/x:1"));
    CHECK("the words of containerd come first",
          str_starts(why, S("rpc error: code = NotFound desc = failed to pull and unpack image "
                            "\"docker.io/library/x:1\": failed to resolve reference")));
    catalogue.user_file = S("/etc/mine.yaml");
    why = image_unknown_message(&catalogue, &a, S("docker.io/library/x:1"));
    CHECK("the user's file is named", str_ends(why, S("add one to /etc/mine.yaml")));
    arena_free(&a);
}

TEST_MAIN(T(names_are_read_as_docker_reads_them), T(the_first_entry_that_fits_is_found),
          T(a_broken_catalogue_says_where_and_what),
          T(an_unknown_image_names_the_file_to_add_it_to))
