#include "werctl/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/time.h"

enum {
	CHAIN_MAX = 16
};

static int64_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * TIME_SECOND_US;
}

static void
append_name(struct certificate_facts *facts, const unsigned char *name, int len)
{
	size_t used = strlen(facts->names);
	(void)snprintf(facts->names + used, sizeof(facts->names) - used, "%s%.*s",
		       used == 0 ? "" : " ", len, (const char *)name);
}

static void
read_names(X509 *certificate, struct certificate_facts *facts)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int kind;
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const void *value = GENERAL_NAME_get0_value(name, &kind);
		if (kind == GEN_DNS)
			append_name(facts, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
	}
	GENERAL_NAMES_free(names);
	(void)X509_NAME_oneline(X509_get_subject_name(certificate), facts->subject,
				(int)sizeof(facts->subject));
}

static void
verify(X509 *certificate, STACK_OF(X509) * chain, struct certificate_facts *facts)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	if (store != NULL && context != NULL && X509_STORE_set_default_paths(store) == 1 &&
	    X509_STORE_CTX_init(context, store, certificate, chain) == 1) {
		(void)X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
		facts->is_trusted = X509_verify_cert(context) == 1;
		(void)snprintf(facts->why_not, sizeof(facts->why_not), "%s",
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
}

static void
look(X509 *certificate, STACK_OF(X509) * chain, const char *host, struct certificate_facts *facts)
{
	read_names(certificate, facts);
	facts->not_before_us = time_of(X509_get0_notBefore(certificate));
	facts->not_after_us = time_of(X509_get0_notAfter(certificate));
	facts->is_for_host = X509_check_host(certificate, host, 0, 0, NULL) == 1 ||
			     X509_check_ip_asc(certificate, host, 0) == 1;
	facts->is_self_signed = X509_check_issued(certificate, certificate) == X509_V_OK;
	facts->n_chain = (size_t)sk_X509_num(chain) + 1;
	verify(certificate, chain, facts);
}

err_t
certificate_look(const char *path, const char *host, struct certificate_facts *ret_facts,
		 struct err_detail *detail)
{
	struct certificate_facts facts = {0};
	BIO *file = BIO_new_file(path, "r");
	X509 *certificate = file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);
	STACK_OF(X509) *chain = sk_X509_new_null();
	if (certificate == NULL || chain == NULL) {
		sk_X509_free(chain);
		X509_free(certificate);
		BIO_free(file);
		ERR_clear_error();
		return err_set(detail, ERR_CONFIG, "%s: no certificate in PEM form", path);
	}
	X509 *next;
	while (sk_X509_num(chain) < CHAIN_MAX &&
	       (next = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL)
		(void)sk_X509_push(chain, next);
	look(certificate, chain, host, &facts);
	sk_X509_pop_free(chain, X509_free);
	X509_free(certificate);
	BIO_free(file);
	ERR_clear_error();
	*ret_facts = facts;
	return OK;
}
