// SPDX-License-Identifier: Apache-2.0
// TOML documents as a tree of values: all of TOML 1.0, and what 1.1 adds to it.
#ifndef TOML_H
#define TOML_H

#include "text.h"

enum toml_kind { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_TIME, TOML_ARRAY, TOML_TABLE };

// How a table or array came to be, which decides who may add to it.
enum toml_origin {
    TOML_IMPLIED,   // only as a part of a longer [header]
    TOML_HEADED,    // by its own [header], or as an element of [[headers]]
    TOML_DOTTED,    // by a dotted key
    TOML_WRITTEN,   // as an inline table or a plain array: complete
};

struct toml_member {
    struct text key;  // empty in an array
    struct toml_value *value;
    struct toml_member *next;
};

struct toml_value {
    enum toml_kind kind;
    enum toml_origin origin;
    union {
        struct text string;  // also a float and a time, as written
        int64_t integer;
        bool boolean;
        struct {
            struct toml_member *first, *last;
        } members;  // of an array or a table, in the order written
    };
};

// The document's root table. Fails the launch, naming the line, when the text is not TOML.
struct toml_value *toml_parse(struct text document);

// The value of a key: the exact one, else the first that differs only in the case of ASCII letters, else null.
struct toml_value *toml_get(const struct toml_value *table, struct text key);

// "a string", "an integer", …
struct text toml_kind_name(enum toml_kind kind);

#endif
