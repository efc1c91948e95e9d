// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "bytes.h"
#include "memory.h"

struct text text_join(const struct text *pieces, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    char *joined = allocate(size + 1);
    char *end = joined;
    for (size_t i = 0; i < count; i++) {
        end = bytes_append(end, pieces[i].at, pieces[i].size);
    }
    return (struct text){joined, size};
}

struct text text_of(const char *string) {
    size_t size = 0;
    while (string[size] != '\0') {
        size++;
    }
    return (struct text){string, size};
}

struct text text_of_number(uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return JOIN((struct text){digits + at, sizeof digits - at});
}

struct text text_slice(struct text text, size_t from, size_t to) {
    return (struct text){text.size == 0 ? text.at : text.at + from, to - from};
}

char *text_string(struct text text) {
    char *string = allocate(text.size + 1);
    bytes_append(string, text.at, text.size);
    return string;
}

struct text text_quoted(struct text text) {
    static const char hex[] = "0123456789abcdef";
    char *quoted = allocate(text.size * 4 + 2);
    char *end = quoted;
    *end++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte == '"' || byte == '\\') {
            *end++ = '\\';
            *end++ = (char)byte;
        } else if (byte == '\n' || byte == '\t' || byte == '\r') {
            *end++ = '\\';
            *end++ = byte == '\n' ? 'n' : byte == '\t' ? 't' : 'r';
        } else if (byte < 0x20 || byte == 0x7f) {
            *end++ = '\\';
            *end++ = 'x';
            *end++ = hex[byte >> 4];
            *end++ = hex[byte & 15];
        } else {
            *end++ = (char)byte;
        }
    }
    *end++ = '"';
    return (struct text){quoted, (size_t)(end - quoted)};
}

bool text_equal(struct text left, struct text right) {
    return left.size == right.size && bytes_compare(left.at, right.at, left.size) == 0;
}

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

bool text_equal_fold(struct text left, struct text right) {
    if (left.size != right.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        if (lower(left.at[i]) != lower(right.at[i])) {
            return false;
        }
    }
    return true;
}

int text_compare(struct text left, struct text right) {
    size_t common = left.size < right.size ? left.size : right.size;
    int order = bytes_compare(left.at, right.at, common);
    if (order != 0) {
        return order;
    }
    return (left.size > right.size) - (left.size < right.size);
}

size_t text_find(struct text text, char byte, size_t from) {
    while (from < text.size && text.at[from] != byte) {
        from++;
    }
    return from;
}

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct text text_trim(struct text text) {
    size_t from = 0;
    size_t to = text.size;
    while (from < to && is_space(text.at[from])) {
        from++;
    }
    while (to > from && is_space(text.at[to - 1])) {
        to--;
    }
    return text_slice(text, from, to);
}

void texts_add(struct texts *texts, struct text text) {
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 8 : texts->capacity * 2;
        struct text *items = allocate_array(capacity, sizeof(struct text));
        for (size_t i = 0; i < texts->count; i++) {
            items[i] = texts->items[i];
        }
        texts->items = items;
        texts->capacity = capacity;
    }
    texts->items[texts->count++] = text;
}

void texts_add_all(struct texts *texts, struct texts more) {
    for (size_t i = 0; i < more.count; i++) {
        texts_add(texts, more.items[i]);
    }
}

bool texts_contain(struct texts texts, struct text text) {
    for (size_t i = 0; i < texts.count; i++) {
        if (text_equal(texts.items[i], text)) {
            return true;
        }
    }
    return false;
}

struct text texts_join(struct texts texts, struct text separator) {
    struct texts pieces = {0};
    for (size_t i = 0; i < texts.count; i++) {
        if (i > 0) {
            texts_add(&pieces, separator);
        }
        texts_add(&pieces, texts.items[i]);
    }
    return text_join(pieces.items, pieces.count);
}
