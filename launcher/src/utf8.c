// SPDX-License-Identifier: Apache-2.0
#include "utf8.h"

static bool is_point(uint32_t point) {
    return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

// The length of the well-formed sequence at an offset, or zero.
static size_t sequence(struct text text, size_t at) {
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text.at[at];
    size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
    if (length == 0 || length > text.size - at) {
        return 0;
    }
    uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text.at[at + i];
        if ((byte & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (byte & 0x3f);
    }
    return point >= least[length] && is_point(point) ? length : 0;
}

size_t utf8_first_invalid(struct text text) {
    size_t at = 0;
    while (at < text.size) {
        size_t length = sequence(text, at);
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

char *utf8_write(char *to, uint32_t point) {
    if (!is_point(point)) {
        return NULL;
    }
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    int rest = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    *to++ = (char)((0xff00 >> (rest + 1) & 0xff) | point >> (6 * rest));
    while (rest-- > 0) {
        *to++ = (char)(0x80 | (point >> (6 * rest) & 0x3f));
    }
    return to;
}
