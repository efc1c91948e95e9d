// SPDX-License-Identifier: Apache-2.0
// The four kinds of strings: "basic", 'literal', and both over several lines.
#include "bytes.h"
#include "memory.h"
#include "toml_cursor.h"
#include "utf8.h"

static _Noreturn void fail_at(struct toml_cursor *cursor, const char *place, struct text message) {
    cursor->at = (size_t)(place - cursor->document.at);
    toml_fail(cursor, message);
}

static int hex_digit(char byte) {
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

// Writes the character that `count` hexadecimal digits name. What they need is never more than what they take.
static char *write_point(struct toml_cursor *cursor, char *to, struct text digits, size_t count) {
    uint32_t point = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = i < digits.size ? hex_digit(digits.at[i]) : -1;
        if (digit < 0) {
            fail_at(cursor, digits.at, T("expected hexadecimal digits in an escape"));
        }
        point = point << 4 | (uint32_t)digit;
    }
    char *end = utf8_write(to, point);
    if (end == NULL) {
        fail_at(cursor, digits.at, T("the escape names no Unicode character"));
    }
    return end;
}

// Steps over blanks and line ends after a backslash at the end of a line; stays when there is other text first.
static size_t skip_continuation(struct text raw, size_t at) {
    size_t from = at;
    bool newline = false;
    while (at < raw.size && (raw.at[at] == ' ' || raw.at[at] == '\t' || raw.at[at] == '\n' ||
                             (raw.at[at] == '\r' && at + 1 < raw.size && raw.at[at + 1] == '\n'))) {
        newline = newline || raw.at[at] == '\n';
        at++;
    }
    return newline ? at : from;
}

static char simple_escape(char letter) {
    switch (letter) {
    case 'b': return '\b';
    case 't': return '\t';
    case 'n': return '\n';
    case 'f': return '\f';
    case 'r': return '\r';
    case 'e': return '\033';
    case '"': return '"';
    case '\\': return '\\';
    default: return '\0';
    }
}

// The text that the inside of a basic string stands for.
static struct text unescape(struct toml_cursor *cursor, struct text raw, bool lines) {
    char *bytes = allocate(raw.size);
    char *end = bytes;
    for (size_t at = 0; at < raw.size;) {
        if (raw.at[at] != '\\') {
            *end++ = raw.at[at++];
            continue;
        }
        at++;
        char letter = raw.at[at];  // the closing quotes were found behind it, so there is one
        size_t continued = lines ? skip_continuation(raw, at) : at;
        if (continued > at) {
            at = continued;
            continue;
        }
        at++;
        size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
        if (digits > 0) {
            end = write_point(cursor, end, text_slice(raw, at, raw.size), digits);
            at += digits;
            continue;
        }
        *end = simple_escape(letter);
        if (*end == '\0') {
            fail_at(cursor, raw.at + at - 1, JOIN(T("unknown escape \\"), (struct text){&letter, 1}));
        }
        end++;
    }
    return (struct text){bytes, (size_t)(end - bytes)};
}

// How many quotes come next, counting no further than five: three that close, and two before them.
static size_t quotes(const struct toml_cursor *cursor, char quote) {
    size_t count = 0;
    while (count < 5 && toml_peek(cursor, count) == quote) {
        count++;
    }
    return count;
}

// Moves behind the closing quotes and returns what is inside, as written.
static struct text read_raw(struct toml_cursor *cursor, char quote, bool lines) {
    size_t from = cursor->at;
    for (;;) {
        char byte = toml_peek(cursor, 0);
        if (byte == quote && (!lines || quotes(cursor, quote) >= 3)) {
            size_t inside = lines ? quotes(cursor, quote) - 3 : 0;
            struct text raw = text_slice(cursor->document, from, cursor->at + inside);
            cursor->at += inside + (lines ? 3 : 1);
            return raw;
        }
        if (byte == '\\' && quote == '"') {
            cursor->at++;
            byte = toml_peek(cursor, 0);
        }
        if (cursor->at == cursor->document.size || (byte == '\n' && !lines)) {
            cursor->at = from;
            toml_fail(cursor, T("the string that begins here has no end"));
        }
        bool newline = byte == '\n' || (byte == '\r' && toml_peek(cursor, 1) == '\n');
        if ((((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f) && !(lines && newline)) {
            toml_fail(cursor, T("control character in a string"));
        }
        cursor->at++;
    }
}

static struct text read_string(struct toml_cursor *cursor, bool lines) {
    char quote = toml_peek(cursor, 0);
    cursor->at += lines ? 3 : 1;
    if (lines && !toml_accept(cursor, T("\n"))) {
        toml_accept(cursor, T("\r\n"));
    }
    struct text raw = read_raw(cursor, quote, lines);
    return quote == '"' && text_find(raw, '\\', 0) < raw.size ? unescape(cursor, raw, lines) : raw;
}

struct text toml_read_line_string(struct toml_cursor *cursor) {
    return read_string(cursor, false);
}

struct text toml_read_string(struct toml_cursor *cursor) {
    return read_string(cursor, quotes(cursor, toml_peek(cursor, 0)) >= 3);
}
