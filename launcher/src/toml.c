// SPDX-License-Identifier: Apache-2.0
// The document: its headers, and which tables may still grow.
#include "toml.h"

#include "toml_cursor.h"
#include "utf8.h"

struct text toml_kind_name(enum toml_kind kind) {
    switch (kind) {
    case TOML_STRING: return T("a string");
    case TOML_INTEGER: return T("an integer");
    case TOML_FLOAT: return T("a float");
    case TOML_BOOLEAN: return T("a boolean");
    case TOML_TIME: return T("a date or time");
    case TOML_ARRAY: return T("an array");
    case TOML_TABLE: return T("a table");
    }
    return T("a value");
}

static _Noreturn void fail_defined(const struct toml_cursor *cursor, struct text key) {
    toml_fail(cursor, JOIN(T("key "), text_quoted(key), T(" is already defined")));
}

// The table that one part of a header leads to, made when there is none; for an array of tables its last one.
static struct toml_value *descend(struct toml_cursor *cursor, struct toml_value *table, struct text key) {
    struct toml_value *next = toml_member_of(cursor, table, key);
    if (next == NULL) {
        next = toml_new(TOML_TABLE, TOML_IMPLIED);
        toml_add(cursor, table, key, next);
    }
    if (next->kind == TOML_ARRAY && next->origin == TOML_HEADED) {
        next = next->members.last->value;
    }
    if (next->kind != TOML_TABLE || next->origin == TOML_WRITTEN) {
        fail_defined(cursor, key);
    }
    return next;
}

// [a.b.c]
static struct toml_value *open_table(struct toml_cursor *cursor, struct toml_value *parent, struct text key) {
    struct toml_value *table = toml_member_of(cursor, parent, key);
    if (table == NULL) {
        table = toml_new(TOML_TABLE, TOML_HEADED);
        toml_add(cursor, parent, key, table);
    } else if (table->kind != TOML_TABLE || table->origin != TOML_IMPLIED) {
        fail_defined(cursor, key);
    }
    table->origin = TOML_HEADED;
    return table;
}

// [[a.b.c]]
static struct toml_value *open_element(struct toml_cursor *cursor, struct toml_value *parent, struct text key) {
    struct toml_value *array = toml_member_of(cursor, parent, key);
    if (array == NULL) {
        array = toml_new(TOML_ARRAY, TOML_HEADED);
        toml_add(cursor, parent, key, array);
    } else if (array->kind != TOML_ARRAY || array->origin != TOML_HEADED) {
        fail_defined(cursor, key);
    }
    struct toml_value *table = toml_new(TOML_TABLE, TOML_HEADED);
    toml_add(cursor, array, T(""), table);
    return table;
}

static struct toml_value *read_header(struct toml_cursor *cursor, struct toml_value *root) {
    bool element = toml_accept(cursor, T("[["));
    if (!element) {
        toml_accept(cursor, T("["));
    }
    toml_skip_blanks(cursor);
    struct toml_value *parent = root;
    struct toml_key *key = toml_read_key(cursor);
    for (; key->next != NULL; key = key->next) {
        parent = descend(cursor, parent, key->part);
    }
    struct toml_value *table = element ? open_element(cursor, parent, key->part) : open_table(cursor, parent, key->part);
    toml_skip_blanks(cursor);
    if (!toml_accept(cursor, element ? T("]]") : T("]"))) {
        toml_fail(cursor, element ? T("expected ]] after the table's name") : T("expected ] after the table's name"));
    }
    return table;
}

// The table that one part of a dotted key leads to: only dotted keys of the same table may have made it.
static struct toml_value *dot(struct toml_cursor *cursor, struct toml_value *table, struct text key) {
    struct toml_value *next = toml_member_of(cursor, table, key);
    if (next == NULL) {
        next = toml_new(TOML_TABLE, TOML_DOTTED);
        toml_add(cursor, table, key, next);
    } else if (next->kind != TOML_TABLE || next->origin != TOML_DOTTED) {
        fail_defined(cursor, key);
    }
    return next;
}

void toml_read_pair(struct toml_cursor *cursor, struct toml_value *table) {
    struct toml_key *key = toml_read_key(cursor);
    for (; key->next != NULL; key = key->next) {
        table = dot(cursor, table, key->part);
    }
    if (toml_member_of(cursor, table, key->part) != NULL) {
        fail_defined(cursor, key->part);
    }
    toml_skip_blanks(cursor);
    if (!toml_accept(cursor, T("="))) {
        toml_fail(cursor, JOIN(T("expected = after key "), text_quoted(key->part)));
    }
    toml_skip_blanks(cursor);
    toml_add(cursor, table, key->part, toml_read_value(cursor));
}

struct toml_value *toml_parse(struct text document) {
    struct toml_cursor cursor = {.document = document};
    size_t bad = utf8_first_invalid(document);
    if (bad < document.size) {
        cursor.at = bad;
        toml_fail(&cursor, T("not UTF-8 text"));
    }
    toml_accept(&cursor, T("\xef\xbb\xbf"));  // a byte order mark
    struct toml_value *root = toml_new(TOML_TABLE, TOML_HEADED);
    struct toml_value *table = root;
    for (;;) {
        toml_skip_lines(&cursor);
        if (cursor.at == document.size) {
            return root;
        }
        if (toml_peek(&cursor, 0) == '[') {
            table = read_header(&cursor, root);
        } else {
            toml_read_pair(&cursor, table);
        }
        if (!toml_accept_line_end(&cursor)) {
            toml_fail(&cursor, T("expected the end of the line"));
        }
    }
}

struct toml_value *toml_get(const struct toml_value *table, struct text key) {
    struct toml_value *close = NULL;
    for (const struct toml_member *member = table->members.first; member != NULL; member = member->next) {
        if (text_equal(member->key, key)) {
            return member->value;
        }
        if (close == NULL && text_equal_fold(member->key, key)) {
            close = member->value;
        }
    }
    return close;
}
