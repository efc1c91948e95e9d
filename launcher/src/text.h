// SPDX-License-Identifier: Apache-2.0
// Text: bytes with a length. A text need not end in a zero byte and may hold any byte, also zero.
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at;
    size_t size;
};

// A growable list of texts, in the order they were added.
struct texts {
    struct text *items;
    size_t count;
    size_t capacity;
};

// The text of a string literal.
#define T(literal) ((struct text){.at = "" literal, .size = sizeof("" literal) - 1})

// The concatenation of its arguments, all of type struct text, followed by a zero byte that is not part of it.
#define JOIN(...) TEXT_JOIN_ARRAY(((const struct text[]){__VA_ARGS__}))
#define TEXT_JOIN_ARRAY(array) text_join(array, sizeof array / sizeof(struct text))

struct text text_join(const struct text *pieces, size_t count);

// The text of a zero-terminated string, without copying it.
struct text text_of(const char *string);

// The decimal digits of a number.
struct text text_of_number(uint64_t number);

// The part from offset `from` up to offset `to`; both must lie inside the text.
struct text text_slice(struct text text, size_t from, size_t to);

// A zero-terminated copy. The caller has made sure that the text holds no zero byte, or accepts being cut there.
char *text_string(struct text text);

// The text in double quotes, with quotes, backslashes and control characters escaped.
struct text text_quoted(struct text text);

bool text_equal(struct text left, struct text right);

// Equality in which ASCII letters of both cases are the same.
bool text_equal_fold(struct text left, struct text right);

// Negative, zero or positive: the order of the bytes, a prefix before what it begins.
int text_compare(struct text left, struct text right);

// The offset of the first such byte at or after `from`, or the text's size when there is none.
size_t text_find(struct text text, char byte, size_t from);

// The text without the spaces, tabs and line ends at both of its ends.
struct text text_trim(struct text text);

void texts_add(struct texts *texts, struct text text);
void texts_add_all(struct texts *texts, struct texts more);
bool texts_contain(struct texts texts, struct text text);

// The texts with the separator between each two of them.
struct text texts_join(struct texts texts, struct text separator);

#endif
