#include "werctl/blob_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "ext/crypto.h"

enum {
	COPY_PIECE_BYTES = 8192
};

static err_t
copy_digested(int from, int to, uint8_t ret_digest[CRYPTO_SHA256_BYTES])
{
	uint8_t piece[COPY_PIECE_BYTES];
	struct crypto_sha256_stream *digest = crypto_sha256_new();
	err_t err = OK;
	while (err == OK) {
		ssize_t got = read(from, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			err = got == 0 ? OK : ERR_IO;
			break;
		}
		crypto_sha256_add(digest, slice_of(piece, (size_t)got));
		err = fs_write_all(to, slice_of(piece, (size_t)got));
	}
	crypto_sha256_take(digest, ret_digest);
	return err;
}

err_t
blob_copy_fd(struct blob_dir *blobs, const uint8_t sha256[32], int fd, struct err_detail *detail)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	uint64_t bytes;
	int from;
	err_t err = blob_open_read(blobs, sha256, &from, &bytes);
	if (err != OK)
		return err_set(detail, err, "the cabinet's file: %s", err_text(err));
	err = copy_digested(from, fd, digest);
	(void)close(from);
	if (err != OK)
		return err_set(detail, err, "copying the cabinet: %s", err_text(err));
	if (!crypto_equal(digest, sha256, sizeof(digest)))
		return err_set(
			detail, ERR_CORRUPT,
			"the cabinet's bytes do not fit their SHA-256: the disk changed them");
	return OK;
}

/* Some filesystems cannot refuse to replace; there the look before must do. */
static err_t
move_in(const char *beside, const char *path, bool is_forced, struct err_detail *detail)
{
	int result = renameat2(AT_FDCWD, beside, AT_FDCWD, path, is_forced ? 0 : RENAME_NOREPLACE);
	if (result != 0 && errno == EINVAL)
		result = rename(beside, path);
	if (result == 0)
		return OK;
	int saved = errno;
	if (saved == EEXIST)
		return err_set(detail, ERR_EXISTS, "%s is there already; --force replaces it",
			       path);
	return err_set(detail, err_from_errno(saved), "%s: %s", path, strerror(saved));
}

err_t
blob_copy_file(struct blob_dir *blobs, const uint8_t sha256[32], const char *path, bool is_forced,
	       struct err_detail *detail)
{
	char beside[PATH_MAX];
	int len = snprintf(beside, sizeof(beside), "%s.%d.partial", path, (int)getpid());
	if (len < 0 || (size_t)len >= sizeof(beside))
		return err_set(detail, ERR_LIMIT, "%s: path too long", path);
	if (!is_forced && access(path, F_OK) == 0)
		return err_set(detail, ERR_EXISTS, "%s is there already; --force replaces it",
			       path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		int saved = errno;
		return err_set(detail, err_from_errno(saved), "%s: %s", beside, strerror(saved));
	}
	err_t err = blob_copy_fd(blobs, sha256, fd, detail);
	if (close(fd) != 0 && err == OK)
		err = err_set(detail, err_from_errno(errno), "%s: %s", beside, strerror(errno));
	if (err == OK)
		err = move_in(beside, path, is_forced, detail);
	if (err != OK)
		(void)unlink(beside);
	return err;
}
