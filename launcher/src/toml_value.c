// SPDX-License-Identifier: Apache-2.0
// Keys, arrays, inline tables, and which kind of value begins here.
#include "memory.h"
#include "toml_cursor.h"

enum { DEEPEST = 100 };

static bool is_bare(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '-';
}

static struct text read_key_part(struct toml_cursor *cursor) {
    char first = toml_peek(cursor, 0);
    if (first == '"' || first == '\'') {
        return toml_read_line_string(cursor);
    }
    size_t from = cursor->at;
    while (is_bare(toml_peek(cursor, 0))) {
        cursor->at++;
    }
    if (cursor->at == from) {
        toml_fail(cursor, T("expected a key"));
    }
    return text_slice(cursor->document, from, cursor->at);
}

struct toml_key *toml_read_key(struct toml_cursor *cursor) {
    struct toml_key *first = NULL;
    struct toml_key **next = &first;
    for (;;) {
        struct toml_key *key = allocate(sizeof *key);
        key->part = read_key_part(cursor);
        *next = key;
        next = &key->next;
        size_t end = cursor->at;
        toml_skip_blanks(cursor);
        if (!toml_accept(cursor, T("."))) {
            cursor->at = end;
            return first;
        }
        toml_skip_blanks(cursor);
    }
}

static void deeper(struct toml_cursor *cursor) {
    if (++cursor->depth > DEEPEST) {
        toml_fail(cursor, T("arrays and tables are nested more than 100 deep"));
    }
}

// After an element: true at the closing bracket, false after a comma.
static bool closes(struct toml_cursor *cursor, struct text bracket, struct text otherwise) {
    toml_skip_lines(cursor);
    if (toml_accept(cursor, bracket)) {
        return true;
    }
    if (!toml_accept(cursor, T(","))) {
        toml_fail(cursor, otherwise);
    }
    toml_skip_lines(cursor);
    return toml_accept(cursor, bracket);
}

static struct toml_value *read_array(struct toml_cursor *cursor) {
    struct toml_value *array = toml_new(TOML_ARRAY, TOML_WRITTEN);
    deeper(cursor);
    toml_skip_lines(cursor);
    bool closed = toml_accept(cursor, T("]"));
    while (!closed) {
        toml_add(cursor, array, T(""), toml_read_value(cursor));
        closed = closes(cursor, T("]"), T("expected a comma or ] after an array element"));
    }
    cursor->depth--;
    return array;
}

static struct toml_value *read_inline_table(struct toml_cursor *cursor) {
    struct toml_value *table = toml_new(TOML_TABLE, TOML_WRITTEN);
    deeper(cursor);
    toml_skip_lines(cursor);
    bool closed = toml_accept(cursor, T("}"));
    while (!closed) {
        toml_read_pair(cursor, table);
        closed = closes(cursor, T("}"), T("expected a comma or } after a table's value"));
    }
    cursor->depth--;
    return table;
}

struct toml_value *toml_read_value(struct toml_cursor *cursor) {
    if (toml_accept(cursor, T("["))) {
        return read_array(cursor);
    }
    if (toml_accept(cursor, T("{"))) {
        return read_inline_table(cursor);
    }
    char first = toml_peek(cursor, 0);
    if (first == '"' || first == '\'') {
        struct toml_value *value = toml_new(TOML_STRING, TOML_WRITTEN);
        value->string = toml_read_string(cursor);
        return value;
    }
    return toml_read_scalar(cursor);
}
