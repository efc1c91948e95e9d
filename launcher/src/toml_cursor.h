// SPDX-License-Identifier: Apache-2.0
// What the parts of the TOML parser share: a place in the document and how to move it.
#ifndef TOML_CURSOR_H
#define TOML_CURSOR_H

#include "index.h"
#include "toml.h"

struct toml_cursor {
    struct text document;
    size_t at;
    unsigned depth;        // of arrays and inline tables around this place
    struct index members;  // every member of every table, by table and key
};

// A dotted key, part by part.
struct toml_key {
    struct text part;
    struct toml_key *next;
};

// The byte at an offset from here, or zero beyond the end; a document holds no zero byte.
char toml_peek(const struct toml_cursor *cursor, size_t offset);

// Steps over the literal and returns true when it comes next.
bool toml_accept(struct toml_cursor *cursor, struct text literal);

void toml_skip_blanks(struct toml_cursor *cursor);      // spaces and tabs
void toml_skip_lines(struct toml_cursor *cursor);       // blanks, comments and line ends
bool toml_accept_line_end(struct toml_cursor *cursor);  // also after a comment, and at the end of the document

// Fails the launch with the line of this place.
_Noreturn void toml_fail(const struct toml_cursor *cursor, struct text message);

struct toml_value *toml_new(enum toml_kind kind, enum toml_origin origin);
struct toml_value *toml_member_of(const struct toml_cursor *cursor, const struct toml_value *table, struct text key);
void toml_add(struct toml_cursor *cursor, struct toml_value *to, struct text key, struct toml_value *value);

struct toml_key *toml_read_key(struct toml_cursor *cursor);
void toml_read_pair(struct toml_cursor *cursor, struct toml_value *table);  // key = value
struct toml_value *toml_read_value(struct toml_cursor *cursor);
struct toml_value *toml_read_scalar(struct toml_cursor *cursor);  // numbers, booleans and times
struct text toml_read_string(struct toml_cursor *cursor);         // of all four kinds
struct text toml_read_line_string(struct toml_cursor *cursor);    // of the two kinds that a key may be

#endif
