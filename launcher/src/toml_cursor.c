// SPDX-License-Identifier: Apache-2.0
#include "toml_cursor.h"

#include "failure.h"
#include "memory.h"

char toml_peek(const struct toml_cursor *cursor, size_t offset) {
    return offset < cursor->document.size - cursor->at ? cursor->document.at[cursor->at + offset] : '\0';
}

bool toml_accept(struct toml_cursor *cursor, struct text literal) {
    for (size_t i = 0; i < literal.size; i++) {
        if (toml_peek(cursor, i) != literal.at[i]) {
            return false;
        }
    }
    cursor->at += literal.size;
    return true;
}

void toml_skip_blanks(struct toml_cursor *cursor) {
    while (toml_peek(cursor, 0) == ' ' || toml_peek(cursor, 0) == '\t') {
        cursor->at++;
    }
}

static void skip_comment(struct toml_cursor *cursor) {
    if (toml_peek(cursor, 0) != '#') {
        return;
    }
    for (;;) {
        char byte = toml_peek(cursor, 0);
        if (byte == '\0' || byte == '\n' || (byte == '\r' && toml_peek(cursor, 1) == '\n')) {
            return;
        }
        if (((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f) {
            toml_fail(cursor, T("control character in a comment"));
        }
        cursor->at++;
    }
}

static bool accept_newline(struct toml_cursor *cursor) {
    return toml_accept(cursor, T("\n")) || toml_accept(cursor, T("\r\n"));
}

void toml_skip_lines(struct toml_cursor *cursor) {
    do {
        toml_skip_blanks(cursor);
        skip_comment(cursor);
    } while (accept_newline(cursor));
}

bool toml_accept_line_end(struct toml_cursor *cursor) {
    toml_skip_blanks(cursor);
    skip_comment(cursor);
    return accept_newline(cursor) || cursor->at == cursor->document.size;
}

_Noreturn void toml_fail(const struct toml_cursor *cursor, struct text message) {
    uint64_t line = 1;
    for (size_t i = 0; i < cursor->at; i++) {
        line += cursor->document.at[i] == '\n';
    }
    fail(JOIN(T("toml: line "), text_of_number(line), T(": "), message), NO_HINT);
}

struct toml_value *toml_new(enum toml_kind kind, enum toml_origin origin) {
    struct toml_value *value = allocate(sizeof *value);
    value->kind = kind;
    value->origin = origin;
    return value;
}

struct toml_value *toml_member_of(const struct toml_cursor *cursor, const struct toml_value *table, struct text key) {
    return index_find(&cursor->members, table, key);
}

void toml_add(struct toml_cursor *cursor, struct toml_value *to, struct text key, struct toml_value *value) {
    struct toml_member *member = allocate(sizeof *member);
    member->key = key;
    member->value = value;
    if (to->members.last == NULL) {
        to->members.first = member;
    } else {
        to->members.last->next = member;
    }
    to->members.last = member;
    if (to->kind == TOML_TABLE) {
        index_add(&cursor->members, to, key, value);
    }
}
