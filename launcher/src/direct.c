// SPDX-License-Identifier: Apache-2.0
#include "failure.h"
#include "kernel.h"
#include "launcher.h"
#include "memory.h"
#include "path.h"

// Zero when the path leads to a file that may be executed, else an error number.
static long executable(struct text path) {
    const char *string = text_string(path);
    long mode = kernel_mode(string);
    if (mode < 0) {
        return -mode;
    }
    if ((mode & MODE_TYPE) == MODE_DIRECTORY) {
        return ERROR_IS_DIRECTORY;
    }
    long error = -kernel_may_execute(string);
    if (error != ERROR_NO_CALL && error != ERROR_NOT_PERMITTED) {
        return error;
    }
    // Old kernels and strict sandboxes refuse the question; the permission bits are the next best answer.
    return (mode & MODE_EXECUTE) != 0 ? 0 : ERROR_ACCESS;
}

static _Noreturn void fail_lookup(struct text command, struct text reason, struct text hint) {
    fail(JOIN(T("exec: "), text_quoted(command), T(": "), reason), hint);
}

// A command that is a path already.
static struct text check_path(struct text command) {
    long error = executable(command);
    if (error != 0) {
        struct text reason = reason_of(error);
        bool looked = error == ERROR_IS_DIRECTORY || error == ERROR_ACCESS;
        fail_lookup(command, looked ? reason : JOIN(T("stat "), command, T(": "), reason),
                    path_is_absolute(command) ? NO_HINT : T("the path is relative to the app directory"));
    }
    return command;
}

// A command's file in the directories of a search path.
static struct text search(struct text command, struct text path) {
    for (size_t at = 0; at < path.size;) {
        size_t to = text_find(path, ':', at);
        struct text directory = text_slice(path, at, to);
        struct text file = PATH(directory.size == 0 ? T(".") : directory, command);
        at = to + 1;
        if (executable(file) != 0) {
            continue;
        }
        if (!path_is_absolute(file)) {
            fail_lookup(command, T("cannot run executable found relative to current directory"),
                        T("PATH has an entry that is not an absolute path"));
        }
        return file;
    }
    fail_lookup(command, T("executable file not found in $PATH"), JOIN(T("PATH is "), path));
}

static struct text look_up(struct text command, struct text path) {
    enter(T("path lookup"));
    struct text file = text_find(command, '/', 0) < command.size ? check_path(command) : search(command, path);
    leave();
    return file;
}

_Noreturn void launch_direct(const struct launch *launch) {
    struct process process = launch->process;
    if (process.command.count == 0) {
        fail(JOIN(T("no command provided for process type "), text_quoted(process.type)), NO_HINT);
    }
    struct text program = look_up(process.command.items[0], environment_get(launch->environment, T("PATH")));
    long error = -kernel_change_directory(text_string(launch->working_directory));
    if (error != 0) {
        fail(JOIN(T("change directory: chdir "), launch->working_directory, T(": "), reason_of(error)),
             T("it is the process's working-dir"));
    }
    struct texts arguments = {0};
    texts_add_all(&arguments, process.command);
    texts_add_all(&arguments, process.args);
    launch_program(T("direct exec"), program, arguments, launch->environment);
}
