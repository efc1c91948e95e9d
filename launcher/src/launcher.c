// SPDX-License-Identifier: Apache-2.0
#include "launcher.h"

#include "exec_d.h"
#include "failure.h"
#include "kernel.h"
#include "memory.h"

enum { OLDEST_PLATFORM_API = 7, NEWEST_PLATFORM_API = 15 };

// The value of an inherited variable, or the default when it is unset or empty.
static struct text input(char *const *environment, struct text name, struct text otherwise) {
    for (; *environment != NULL; environment++) {
        struct text entry = text_of(*environment);
        size_t sign = text_find(entry, '=', 0);
        if (sign + 1 < entry.size && text_equal(text_slice(entry, 0, sign), name)) {
            return text_slice(entry, sign + 1, entry.size);
        }
    }
    return otherwise;
}

static bool is_true(struct text text) {
    return text_equal(text, T("1")) || text_equal(text, T("t")) || text_equal(text, T("T")) ||
           text_equal(text, T("true")) || text_equal(text, T("True")) || text_equal(text, T("TRUE"));
}

static struct api platform_api(struct text text) {
    struct api api;
    if (text_trim(text).size == 0) {
        begin(CODE_PLATFORM_API, T("get platform API version; please set 'CNB_PLATFORM_API' to specify the desired platform API version"));
        fail(T(""), T("app images have the variable in their configuration; it must not be unset"));
    }
    if (!api_parse(text, &api)) {
        begin(CODE_PLATFORM_API, JOIN(T("parse platform API '"), text, T("'")));
        fail(T(""), T("CNB_PLATFORM_API must be a version such as 0.14"));
    }
    if (!api_is_between(api, OLDEST_PLATFORM_API, NEWEST_PLATFORM_API)) {
        begin(CODE_PLATFORM_API, T("set platform API"));
        fail(JOIN(T("platform API version '"), text, T("' is incompatible with the lifecycle")),
             T("this launcher knows Platform API 0.7 to 0.15"));
    }
    return api;
}

// The variable selected the process long ago; today the entrypoint does.
static void warn_about_type(struct text type, struct api platform) {
    if (type.size > 0) {
        warn(JOIN(T("CNB_PROCESS_TYPE is not supported in Platform API "), api_text(platform)));
        warn(JOIN(T("Run with ENTRYPOINT '"), type, T("' to invoke the '"), type, T("' process type")));
    }
}

static struct request request_of(char *const *arguments, char *const *environment, struct api platform) {
    struct request request = {
        .platform = platform,
        .exec_env = input(environment, T("CNB_EXEC_ENV"), T("production")),
        .self = *arguments == NULL ? T("launcher") : text_of(*arguments++),
    };
    for (; *arguments != NULL; arguments++) {
        texts_add(&request.args, text_of(*arguments));
    }
    return request;
}

static void change_to(struct text app_directory) {
    long error = -kernel_change_directory(text_string(app_directory));
    if (error != 0) {
        fail(JOIN(T("change to app directory: chdir "), app_directory, T(": "), reason_of(error)), NO_HINT);
    }
}

_Noreturn void launch_program(struct text part, struct text program, struct texts arguments, const struct environment *environment) {
    char **strings = allocate_array(arguments.count + 1, sizeof(char *));
    for (size_t i = 0; i < arguments.count; i++) {
        strings[i] = text_string(arguments.items[i]);
    }
    long error = -kernel_execute(text_string(program), strings, environment_strings(environment));
    fail(JOIN(part, T(": "), reason_of(error)),
         error == ERROR_NOT_FOUND     ? JOIN(program, T(" does not exist, or the interpreter it needs does not"))
         : error == ERROR_EXEC_FORMAT ? JOIN(program, T(" is neither a program for this processor nor a script that begins with #!"))
         : error == ERROR_TOO_BIG     ? T("the arguments and environment variables together, or one of them, are longer than the kernel allows")
                                      : program);
}

_Noreturn void launcher(char *const *arguments, char *const *environment) {
    use_color(!is_true(input(environment, T("CNB_NO_COLOR"), T(""))));
    struct api platform = platform_api(input(environment, T("CNB_PLATFORM_API"), T("")));
    struct text layers_directory = input(environment, T("CNB_LAYERS_DIR"), T("/layers"));
    struct text app_directory = input(environment, T("CNB_APP_DIR"), T("/workspace"));
    struct metadata metadata = metadata_read(layers_directory);
    warn_about_type(input(environment, T("CNB_PROCESS_TYPE"), T("")), platform);

    begin(CODE_LAUNCH, T("launch"));
    struct request request = request_of(arguments, environment, platform);
    struct process process = process_choose(&metadata, request);
    struct environment variables = environment_inherit(environment);
    change_to(app_directory);
    struct layers layers = layers_find(layers_directory, &metadata);
    layers_modify(&layers, process.type, &variables);
    exec_d_run(&layers, process.type, &variables);

    struct launch launch = {
        .process = process,
        .self = request.self,
        .app_directory = app_directory,
        .working_directory = process.working_directory.size > 0 ? process.working_directory : app_directory,
        .metadata = &metadata,
        .layers = &layers,
        .environment = &variables,
    };
    if (process.direct) {
        launch_direct(&launch);
    }
    launch_in_shell(&launch);
}
