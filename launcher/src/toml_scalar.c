// SPDX-License-Identifier: Apache-2.0
// Values without quotes or brackets: booleans, integers, floats, dates and times.
#include "toml_cursor.h"

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static char at(struct text text, size_t offset) {
    return offset < text.size ? text.at[offset] : '\0';
}

// The value of `count` digits at an offset, which moves behind them, or -1.
static int number(struct text text, size_t *offset, size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; i++, ++*offset) {
        if (!is_digit(at(text, *offset))) {
            return -1;
        }
        value = value * 10 + (text.at[*offset] - '0');
    }
    return value;
}

static bool skip(struct text text, size_t *offset, char byte) {
    bool found = at(text, *offset) == byte;
    *offset += found;
    return found;
}

static bool is_between(int value, int least, int most) {
    return value >= least && value <= most;
}

// 1979-05-27
static bool skip_date(struct text text, size_t *offset) {
    int year = number(text, offset, 4);
    bool dash = skip(text, offset, '-');
    int month = number(text, offset, 2);
    dash = skip(text, offset, '-') && dash;
    int day = number(text, offset, 2);
    if (year < 0 || !dash || !is_between(month, 1, 12)) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int days = month == 2 ? 28 + leap : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    return is_between(day, 1, days);
}

// 07:32, 07:32:00, 07:32:00.999
static bool skip_clock(struct text text, size_t *offset) {
    bool good = is_between(number(text, offset, 2), 0, 23) && skip(text, offset, ':');
    good = good && is_between(number(text, offset, 2), 0, 59);
    if (!good || !skip(text, offset, ':')) {
        return good;
    }
    good = is_between(number(text, offset, 2), 0, 59);
    if (!good || !skip(text, offset, '.')) {
        return good;
    }
    size_t from = *offset;
    while (is_digit(at(text, *offset))) {
        ++*offset;
    }
    return *offset > from;
}

// Z, +01:00
static bool skip_zone(struct text text, size_t *offset) {
    if (*offset == text.size || skip(text, offset, 'Z') || skip(text, offset, 'z')) {
        return true;
    }
    return (skip(text, offset, '+') || skip(text, offset, '-')) && is_between(number(text, offset, 2), 0, 23) &&
           skip(text, offset, ':') && is_between(number(text, offset, 2), 0, 59);
}

static bool is_time(struct text text) {
    size_t offset = 0;
    if (at(text, 2) == ':') {
        return skip_clock(text, &offset) && offset == text.size;
    }
    if (!skip_date(text, &offset)) {
        return false;
    }
    if (offset == text.size) {
        return true;
    }
    return (skip(text, &offset, 'T') || skip(text, &offset, 't') || skip(text, &offset, ' ')) &&
           skip_clock(text, &offset) && skip_zone(text, &offset) && offset == text.size;
}

static unsigned digit_of(char byte) {
    return is_digit(byte)               ? (unsigned)(byte - '0')
           : byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a' + 10)
           : byte >= 'A' && byte <= 'F' ? (unsigned)(byte - 'A' + 10)
                                        : 16;
}

// Digits of a base with single underscores between them; the value, or false when it is beyond `most`.
static bool read_digits(struct text text, unsigned base, uint64_t most, uint64_t *value) {
    *value = 0;
    bool after_digit = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '_') {
            if (!after_digit) {
                return false;
            }
            after_digit = false;
            continue;
        }
        unsigned digit = digit_of(text.at[i]);
        if (digit >= base || *value > (most - digit) / base) {
            return false;
        }
        *value = *value * base + digit;
        after_digit = true;
    }
    return after_digit;
}

static bool read_integer(struct text text, int64_t *integer) {
    uint64_t value;
    char prefix = at(text, 0) == '0' ? at(text, 1) : '\0';
    unsigned base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
    if (base != 10) {
        bool good = read_digits(text_slice(text, 2, text.size), base, INT64_MAX, &value);
        *integer = (int64_t)value;
        return good;
    }
    bool negative = at(text, 0) == '-';
    struct text digits = text_slice(text, negative || at(text, 0) == '+', text.size);
    if ((at(digits, 0) == '0' && digits.size > 1) ||
        !read_digits(digits, 10, (uint64_t)INT64_MAX + negative, &value)) {
        return false;
    }
    *integer = negative && value > 0 ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return true;
}

// Decimal digits with single underscores between them, at least one.
static bool skip_digits(struct text text, size_t *offset) {
    size_t from = *offset;
    while (is_digit(at(text, *offset)) ||
           (at(text, *offset) == '_' && *offset > from && text.at[*offset - 1] != '_')) {
        ++*offset;
    }
    return *offset > from && text.at[*offset - 1] != '_';
}

static bool is_float(struct text text) {
    size_t offset = 0;
    if (!skip(text, &offset, '+')) {
        skip(text, &offset, '-');
    }
    struct text unsigned_part = text_slice(text, offset, text.size);
    if (text_equal(unsigned_part, T("inf")) || text_equal(unsigned_part, T("nan"))) {
        return true;
    }
    bool zero = at(text, offset) == '0';
    size_t whole = offset;
    if (!skip_digits(text, &offset) || (zero && offset > whole + 1)) {
        return false;
    }
    bool fraction = skip(text, &offset, '.');
    if (fraction && !skip_digits(text, &offset)) {
        return false;
    }
    bool exponent = skip(text, &offset, 'e') || skip(text, &offset, 'E');
    if (exponent) {
        if (!skip(text, &offset, '+')) {
            skip(text, &offset, '-');
        }
        if (!skip_digits(text, &offset)) {
            return false;
        }
    }
    return (fraction || exponent) && offset == text.size;
}

static bool ends_scalar(char byte) {
    return byte == '\0' || byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == ',' || byte == ']' ||
           byte == '}' || byte == '#';
}

static void skip_word(struct toml_cursor *cursor) {
    while (!ends_scalar(toml_peek(cursor, 0))) {
        cursor->at++;
    }
}

// The characters up to the next one that cannot belong to the value. A date may be followed by a blank and a time.
static struct text read_word(struct toml_cursor *cursor) {
    size_t from = cursor->at;
    skip_word(cursor);
    struct text word = text_slice(cursor->document, from, cursor->at);
    size_t end = 0;
    if (skip_date(word, &end) && end == word.size && toml_peek(cursor, 0) == ' ' && is_digit(toml_peek(cursor, 1))) {
        cursor->at++;
        skip_word(cursor);
    }
    return text_slice(cursor->document, from, cursor->at);
}

struct toml_value *toml_read_scalar(struct toml_cursor *cursor) {
    struct text word = read_word(cursor);
    struct toml_value *value = toml_new(TOML_STRING, TOML_WRITTEN);
    int64_t integer;
    if (text_equal(word, T("true")) || text_equal(word, T("false"))) {
        value->kind = TOML_BOOLEAN;
        value->boolean = text_equal(word, T("true"));
    } else if (read_integer(word, &integer)) {
        value->kind = TOML_INTEGER;
        value->integer = integer;
    } else if (is_time(word) || is_float(word)) {
        value->kind = is_time(word) ? TOML_TIME : TOML_FLOAT;
        value->string = word;
    } else {
        toml_fail(cursor, JOIN(T("expected a value, found "), text_quoted(word)));
    }
    return value;
}
