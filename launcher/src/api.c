// SPDX-License-Identifier: Apache-2.0
#include "api.h"

// Reads digits at an offset, which moves behind them; false when the number does not fit.
static bool read_number(struct text text, size_t *at, uint64_t *number) {
    for (*number = 0; *at < text.size && text.at[*at] >= '0' && text.at[*at] <= '9'; ++*at) {
        unsigned digit = (unsigned)(text.at[*at] - '0');
        if (*number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    return true;
}

bool api_parse(struct text text, struct api *api) {
    size_t from = text.size > 0 && text.at[0] == 'v' ? 1 : 0;
    size_t at = from;
    if (!read_number(text, &at, &api->major) || at == from) {
        return false;
    }
    if (at < text.size && text.at[at] == '.') {
        at++;
    }
    return read_number(text, &at, &api->minor) && at == text.size;
}

bool api_is_between(struct api api, uint64_t oldest, uint64_t newest) {
    return api.major == 0 && api.minor >= oldest && api.minor <= newest;
}

bool api_is_at_least(struct api api, uint64_t minor) {
    return api.major > 0 || api.minor >= minor;
}

struct text api_text(struct api api) {
    return JOIN(text_of_number(api.major), T("."), text_of_number(api.minor));
}
