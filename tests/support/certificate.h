/* certificate.h - a self-signed certificate and its key for a test, as PEM files */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static inline EVP_PKEY *
certificate_new_key(int rsa_bits)
{
	EVP_PKEY *key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen((unsigned)rsa_bits);
	if (key == NULL)
		abort();
	return key;
}

static inline void
certificate_name_host(X509 *certificate)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name,
						    "DNS:localhost,IP:127.0.0.1");
	if (names == NULL || X509_add_ext(certificate, names, -1) != 1)
		abort();
	X509_EXTENSION_free(names);
}

static inline X509 *
certificate_new(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	(void)X509_set_version(certificate, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					 (const unsigned char *)"localhost", -1, -1, 0);
	(void)X509_set_issuer_name(certificate, name);
	(void)X509_set_pubkey(certificate, key);
	certificate_name_host(certificate);
	if (X509_sign(certificate, key, EVP_sha256()) == 0)
		abort();
	return certificate;
}

static inline FILE *
certificate_file(const char *path)
{
	FILE *file = fopen(path, "w");
	if (file == NULL)
		abort();
	return file;
}

/* RSA_BITS 0: ECDSA P-256.  PASSWORD NULL: the key is not encrypted. */
static inline void
certificate_write(const char *certificate_path, const char *key_path, int rsa_bits,
		  const char *password)
{
	EVP_PKEY *key = certificate_new_key(rsa_bits);
	X509 *certificate = certificate_new(key);
	FILE *file = certificate_file(certificate_path);
	(void)PEM_write_X509(file, certificate);
	(void)fclose(file);
	file = certificate_file(key_path);
	(void)PEM_write_PrivateKey(file, key, password == NULL ? NULL : EVP_aes_128_cbc(),
				   (const unsigned char *)password,
				   password == NULL ? 0 : (int)strlen(password), NULL, NULL);
	(void)fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}
