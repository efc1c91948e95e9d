// SPDX-License-Identifier: Apache-2.0
// Versions of the Platform API and the Buildpack API.
#ifndef API_H
#define API_H

#include "text.h"

struct api {
    uint64_t major;
    uint64_t minor;
};

// Reads "0.12", "v0.12" or "1"; false when the text is no version.
bool api_parse(struct text text, struct api *api);

// Whether the version is one of 0.<oldest> to 0.<newest>: below 1.0 every version stands for itself.
bool api_is_between(struct api api, uint64_t oldest, uint64_t newest);

// Whether the version is 0.<minor> or later.
bool api_is_at_least(struct api api, uint64_t minor);

struct text api_text(struct api api);

#endif
