#include "collection/answer.h"

#include "base/limits.h"

static struct reply
reply_without_cab(const struct reply *directives)
{
	return (struct reply){
		.response = directives->response,
		.response_server = directives->response_server,
		.response_url = directives->response_url,
	};
}

err_t
answer_format(const struct answer *answer, struct buf *out)
{
	const struct reply *directives = &answer->plan->directives;
	struct reply reply = answer->ticket == NULL ? reply_without_cab(directives) : *directives;
	struct buf path;
	buf_init(&path, LIMIT_TARGET_BYTES);
	reply.has_bucket = reply.has_bucket_table = true;
	reply.bucket = (int64_t)answer->bucket;
	reply.bucket_table = (int64_t)answer->bucket_table;
	if (answer->ticket != NULL) {
		upload_path_format(answer->ticket, answer->upload_key, &path);
		reply.has_idata = reply.idata = true;
		reply.dump_file = buf_slice(&path);
	}
	err_t err = reply_format(&reply, out);
	buf_done(&path);
	return err;
}

bool
answer_is_plain(const struct answer *answer)
{
	const struct reply *directives = &answer->plan->directives;
	return answer->ticket == NULL && directives->response.len == 0 &&
	       directives->response_server.len == 0 && directives->response_url.len == 0;
}
