#include "store/facts_internal.h"

enum {
	PAGE_IDS = 1024 /* read at once: under a millisecond of a read transaction */
};

static err_t
read_page(struct sql_statement *s, uint64_t after, uint64_t ids[PAGE_IDS], size_t *ret_count)
{
	size_t count = 0;
	err_t err;
	sql_bind_u64(s, after);
	sql_bind_u64(s, PAGE_IDS);
	while ((err = sql_step(s)) == OK && count < PAGE_IDS)
		ids[count++] = sql_u64(s, 0);
	sql_reset(s);
	*ret_count = count;
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
facts_each_id_after(struct facts *facts, uint64_t after, facts_each_id_fn each, void *context)
{
	struct sql_statement s;
	uint64_t ids[PAGE_IDS];
	size_t count = PAGE_IDS;
	err_t err = sql_prepare(&facts->sql,
				"SELECT id FROM report WHERE id > ? ORDER BY id LIMIT ?", &s, NULL);
	if (err != OK)
		return err;
	while (err == OK && count == PAGE_IDS) {
		err = read_page(&s, after, ids, &count);
		for (size_t i = 0; i < count && err == OK; i++) {
			err = each(context, ids[i]);
			after = ids[i];
		}
	}
	sql_finalize(&s);
	return err;
}
