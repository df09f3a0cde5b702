/* What a power cut would leave of files, for processes that are merely killed.
 *
 * Killing a process proves nothing about flushing: what it wrote stays in the kernel's cache.
 * This shim (LD_PRELOAD) keeps an undo log for each file, across all processes that use it: what
 * stood where something was written, and how long the file was. Flushing the file (fsync,
 * fdatasync) empties its log. After a kill, whoever killed rolls the files back to what was
 * flushed, or to any mixture of sectors that a disk may leave (faults/shim.py).
 *
 * It also plays a full disk, a wall clock that jumps, and power that fails between a write and its
 * flush, as the control file says; and a disk that says it has flushed and has not.
 *
 *   UNSYNCED_FOLDER  where the logs and the control file lie
 *   UNSYNCED_ROOTS   folders whose files are watched, parted by colons
 *
 * Not seen: writes through mmap, sendfile and copy_file_range; names (create, rename, unlink).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* faults/shim.py knows this layout. */
struct control {
    int64_t wall_offset;  /* nanoseconds added to the wall clock */
    int64_t full;         /* 0: room; 1: none but what is allocated; 2: none, not even to rewrite */
    int64_t no_reserve;   /* 1: a file system that cannot allocate ahead */
    int64_t cut_in;       /* the power fails at the so-manieth write from now; 0: it does not */
    int64_t cut_after;    /* 1: at a flush instead, once it has returned */
    int64_t lying;        /* 1: a flush does nothing and says that it did */
    int64_t refused;      /* counts: writes refused, */
    int64_t writes;       /* writes logged, */
    int64_t flushes;      /* flushes made, */
    int64_t lies;         /* flushes that only said so */
};

struct entry {
    int64_t offset;
    int64_t old_size;
    int64_t kept;  /* bytes of the old content that follow */
};

static struct control *control;
static char folder[PATH_MAX];
static char roots[8][PATH_MAX];
static int root_count;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_pwritev2)(int, const struct iovec *, int, off_t, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static void (*real_sync)(void);
static int (*real_syncfs)(int);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_posix_fallocate)(int, off_t, off_t);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

#define REAL(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)

static void die(const char *what)
{
    char line[256];
    int length = snprintf(line, sizeof line, "unsynced: %s: %s\n", what, strerror(errno));
    real_write(2, line, length);
    abort();
}

__attribute__((constructor)) static void begin(void)
{
    if (control || real_write)
        return;
    REAL(write); REAL(pwrite); REAL(writev); REAL(pwritev); REAL(pwritev2); REAL(ftruncate); REAL(fsync);
    REAL(fdatasync); REAL(sync); REAL(syncfs); REAL(fallocate); REAL(posix_fallocate);
    REAL(openat); REAL(clock_gettime);
    const char *where = getenv("UNSYNCED_FOLDER"), *watched = getenv("UNSYNCED_ROOTS");
    if (!where || !watched)
        return;
    snprintf(folder, sizeof folder, "%s", where);
    char copy[8 * PATH_MAX], *rest = copy, *one;
    snprintf(copy, sizeof copy, "%s", watched);
    while (root_count < 8 && (one = strsep(&rest, ":")))
        if (*one)
            snprintf(roots[root_count++], PATH_MAX, "%s", one);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/control", folder);
    int handle = real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (handle < 0)
        die(path);
    void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    if (page == MAP_FAILED)
        die("control");
    close(handle);
    control = page;
}

static int watched(int fd)
{
    if (!real_write)
        begin();
    if (!control)
        return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/')
        return 0;
    path[length] = 0;
    for (int i = 0; i < root_count; i++) {
        size_t root = strlen(roots[i]);
        if (!strncmp(path, roots[i], root) && path[root] == '/')
            return 1;
    }
    return 0;
}

/* A file's name in the log: inodes are used again, births are not. */
static int identify(int fd, const char *path, struct statx *about, char *name, size_t room)
{
    int flags = path ? 0 : AT_EMPTY_PATH;
    unsigned want = STATX_BASIC_STATS | STATX_BTIME;
    if (statx(path ? AT_FDCWD : fd, path ? path : "", flags, want, about) < 0)
        return -1;
    long long born = about->stx_mask & STATX_BTIME
        ? about->stx_btime.tv_sec * 1000000000LL + about->stx_btime.tv_nsec : 0;
    snprintf(name, room, "%x-%llx-%llx", about->stx_dev_major << 20 | about->stx_dev_minor,
             (unsigned long long)about->stx_ino, (unsigned long long)born);
    return 0;
}

/* For shim.py: the name under which the file at `path` is logged. */
int unsynced_name(const char *path, char *name, size_t room)
{
    struct statx about;
    return identify(-1, path, &about, name, room);
}

/* The log of a file, locked until it is closed; each use opens it anew, so that threads and
 * forked processes exclude each other. */
static int locked_log(const char *name)
{
    char path[PATH_MAX + 80];
    snprintf(path, sizeof path, "%s/%s.undo", folder, name);
    int handle = real_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (handle < 0)
        die(path);
    while (flock(handle, LOCK_EX) < 0)
        if (errno != EINTR)
            die("flock");
    return handle;
}

/* A second handle only where the first cannot read: closing it would end the locks (fcntl) that the
 * process holds on the file. */
static ssize_t read_there(int fd, char *data, size_t length, off_t offset)
{
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY)
        return pread(fd, data, length, offset);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = real_openat(AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return -1;
    ssize_t got = pread(reader, data, length, offset);
    close(reader);
    return got;
}

static void remember(int log, int fd, off_t offset, off_t length, off_t old_size)
{
    off_t end = offset + length < old_size ? offset + length : old_size;
    off_t kept = end > offset ? end - offset : 0;
    struct entry head = {offset, old_size, kept};
    char *data = malloc(sizeof head + kept);
    if (!data)
        die("memory");
    memcpy(data, &head, sizeof head);
    if (kept && read_there(fd, data + sizeof head, kept, offset) != kept)
        die("what stood there");
    if (real_write(log, data, sizeof head + kept) != (ssize_t)(sizeof head + kept))
        die("undo log");
    free(data);
    __atomic_add_fetch(&control->writes, 1, __ATOMIC_RELAXED);
}

static void maybe_cut(int flush)
{
    if (control->cut_in > 0 && !!control->cut_after == flush
        && __atomic_sub_fetch(&control->cut_in, 1, __ATOMIC_SEQ_CST) == 0)
        kill(getpid(), SIGKILL);
}

static int is_durable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DSYNC) && !control->lying;
}

/* How much of a write has room; -1 where nothing has. */
static off_t room_for(const struct statx *about, off_t offset, off_t length)
{
    off_t room = length;
    if (control->full == 1) {
        off_t allocated = about->stx_blocks * 512;
        room = offset + length <= allocated ? length : allocated > offset ? allocated - offset : 0;
    }
    if (control->full == 2)
        room = length / 2;
    if (room > 0 || length == 0)
        return room;
    __atomic_add_fetch(&control->refused, 1, __ATOMIC_RELAXED);
    return -1;
}

/* Before a write: its log, locked, or -1 where none is kept; *length becomes what has room. */
static int before(int fd, off_t offset, off_t *length, int *refused)
{
    struct statx about;
    char name[80];
    *refused = 0;
    if (!watched(fd) || identify(fd, NULL, &about, name, sizeof name) < 0
        || !S_ISREG(about.stx_mode))
        return -1;
    int log = locked_log(name);
    if (identify(fd, NULL, &about, name, sizeof name) < 0)  /* as it is now that we hold it */
        die("statx");
    int flags = fcntl(fd, F_GETFL);
    if (offset < 0)
        offset = flags & O_APPEND ? (off_t)about.stx_size : lseek(fd, 0, SEEK_CUR);
    off_t room = room_for(&about, offset, *length);
    if (room < 0) {
        close(log);
        *refused = 1;
        return -1;
    }
    *length = room;
    if (!is_durable(fd))
        remember(log, fd, offset, room, about.stx_size);
    return log;
}

static ssize_t after(int log, ssize_t result)
{
    int error = errno;
    if (log >= 0) {
        maybe_cut(0);
        close(log);
    }
    errno = error;
    return result;
}

static ssize_t no_room(void)
{
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *data, size_t length)
{
    int refused;
    off_t room = length;
    int log = before(fd, -1, &room, &refused);
    return refused ? no_room() : after(log, real_write(fd, data, room));
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    int refused;
    off_t room = length;
    int log = before(fd, offset, &room, &refused);
    return refused ? no_room() : after(log, real_pwrite(fd, data, room, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    return pwrite(fd, data, length, offset);
}

static off_t total(const struct iovec *parts, int count)
{
    off_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += parts[i].iov_len;
    return sum;
}

/* A vector that has not room for all is written by its first part alone. */
static int shortened(const struct iovec *parts, int count, off_t room, struct iovec *first)
{
    if (room == total(parts, count))
        return 0;
    *first = parts[0];
    if ((off_t)first->iov_len > room)
        first->iov_len = room;
    return 1;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    int refused;
    struct iovec first;
    off_t room = total(parts, count);
    int log = before(fd, -1, &room, &refused);
    if (refused)
        return no_room();
    if (log >= 0 && shortened(parts, count, room, &first))
        return after(log, real_writev(fd, &first, 1));
    return after(log, real_writev(fd, parts, count));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    int refused;
    struct iovec first;
    off_t room = total(parts, count);
    int log = before(fd, offset, &room, &refused);
    if (refused)
        return no_room();
    if (log >= 0 && shortened(parts, count, room, &first))
        return after(log, real_pwritev(fd, &first, 1, offset));
    return after(log, real_pwritev(fd, parts, count, offset));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    int refused;
    struct iovec first;
    off_t room = total(parts, count);
    int log = before(fd, offset, &room, &refused);
    if (refused)
        return no_room();
    if (log >= 0 && shortened(parts, count, room, &first))
        return after(log, real_pwritev2(fd, &first, 1, offset, flags));
    return after(log, real_pwritev2(fd, parts, count, offset, flags));
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
    return pwritev2(fd, parts, count, offset, flags);
}

/* Logs a change of length, after which a file is `size` bytes long. */
static int resizing(int fd, off_t size)
{
    struct statx about;
    char name[80];
    if (!watched(fd) || identify(fd, NULL, &about, name, sizeof name) < 0
        || !S_ISREG(about.stx_mode))
        return -1;
    int log = locked_log(name);
    if (identify(fd, NULL, &about, name, sizeof name) < 0)
        die("statx");
    off_t old_size = about.stx_size;
    if (size < old_size)
        remember(log, fd, size, old_size - size, old_size);
    else if (size > old_size)
        remember(log, fd, old_size, 0, old_size);
    return log;
}

int ftruncate(int fd, off_t size)
{
    int log = resizing(fd, size);
    return after(log, real_ftruncate(fd, size));
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (!watched(fd))
        return real_fallocate(fd, mode, offset, length);
    struct statx about;
    char name[80];
    if (control->no_reserve) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (control->full && !identify(fd, NULL, &about, name, sizeof name)
        && offset + length > (off_t)about.stx_blocks * 512) {
        __atomic_add_fetch(&control->refused, 1, __ATOMIC_RELAXED);
        return no_room();
    }
    int log = mode & FALLOC_FL_KEEP_SIZE ? -1 : resizing(fd, offset + length);
    return after(log, real_fallocate(fd, mode, offset, length));
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    return fallocate(fd, mode, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    struct statx about;
    char name[80];
    if (!watched(fd))
        return real_posix_fallocate(fd, offset, length);
    if (control->full)
        return ENOSPC;
    if (identify(fd, NULL, &about, name, sizeof name) < 0)
        return errno;
    off_t end = offset + length;
    int log = resizing(fd, end > (off_t)about.stx_size ? end : (off_t)about.stx_size);
    return after(log, real_posix_fallocate(fd, offset, length));
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    return posix_fallocate(fd, offset, length);
}

static int flushing(int fd, int (*flush)(int))
{
    struct statx about;
    char name[80];
    if (!watched(fd))
        return flush(fd);
    if (control->lying) {
        __atomic_add_fetch(&control->lies, 1, __ATOMIC_RELAXED);
        maybe_cut(1);
        return 0;
    }
    if (identify(fd, NULL, &about, name, sizeof name) < 0 || !S_ISREG(about.stx_mode))
        return flush(fd);
    /* That the log is empty is what durable means here: the machine's own disk is spared. */
    int log = locked_log(name), result = 0;
    if (real_ftruncate(log, 0) < 0)
        die("undo log");
    __atomic_add_fetch(&control->flushes, 1, __ATOMIC_RELAXED);
    maybe_cut(1);
    close(log);
    return result;
}

int fsync(int fd)
{
    begin();
    return flushing(fd, real_fsync);
}

int fdatasync(int fd)
{
    begin();
    return flushing(fd, real_fdatasync);
}

static void forget_all(void)
{
    DIR *logs = control && !control->lying ? opendir(folder) : NULL;
    for (struct dirent *one; logs && (one = readdir(logs));) {
        char *dot = strrchr(one->d_name, '.');
        if (!dot || strcmp(dot, ".undo"))
            continue;
        *dot = 0;
        int log = locked_log(one->d_name);
        if (real_ftruncate(log, 0) < 0)
            die("undo log");
        close(log);
    }
    if (logs)
        closedir(logs);
}

void sync(void)
{
    begin();
    real_sync();
    forget_all();
}

int syncfs(int fd)
{
    begin();
    int result = real_syncfs(fd);
    forget_all();
    return result;
}

/* Opening with O_TRUNC empties a file: its content is logged first. */
static int opening(int at, const char *path, int flags, mode_t mode)
{
    begin();
    if (!control || !(flags & O_TRUNC))
        return real_openat(at, path, flags, mode);
    int handle = real_openat(at, path, flags & ~O_TRUNC, mode);
    if (handle < 0)
        return handle;
    struct statx about;
    char name[80];
    if (identify(handle, NULL, &about, name, sizeof name) == 0 && S_ISREG(about.stx_mode)
        && about.stx_size > 0 && ftruncate(handle, 0) < 0)
        die("O_TRUNC");
    return handle;
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opening(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opening(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opening(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return opening(at, path, flags | O_LARGEFILE, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    begin();
    int result = real_clock_gettime(clock, now);
    if (result == 0 && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t moment = now->tv_sec * 1000000000LL + now->tv_nsec + control->wall_offset;
        now->tv_sec = moment / 1000000000LL;
        now->tv_nsec = moment % 1000000000LL;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) < 0)
        return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept)
        *kept = now.tv_sec;
    return now.tv_sec;
}
