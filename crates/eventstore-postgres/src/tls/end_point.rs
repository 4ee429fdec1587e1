//! What SCRAM binds a password to: a hash of the server's certificate, `tls-server-end-point` of RFC 5929.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The hash of a certificate; `None` where RFC 5929 does not say which hash to take.
pub(super) fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    algorithm(signature_oid(certificate)?).map(|algorithm| digest(algorithm, certificate).as_ref().to_vec())
}

/// The hash of the signature; in place of those that are broken, SHA-256 (RFC 5929, section 4.1).
///
/// Of Ed25519, and of RSA-PSS, whose hash is a parameter, PostgreSQL does not offer it (before its version 16 for RSA-PSS).
fn algorithm(oid: &[u8]) -> Option<&'static Algorithm> {
    /// 1.2.840.113549.1.1, PKCS #1
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    /// 1.2.840.10045.4, signatures of ANSI X9.62
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    let of_rsa = oid.strip_prefix(RSA);
    let of_ecdsa = oid.strip_prefix(ECDSA);
    match (of_rsa, of_ecdsa) {
        // With MD5, SHA-1 and SHA-256.
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(&SHA256),
        (Some([12]), _) | (_, Some([3, 3])) => Some(&SHA384),
        (Some([13]), _) | (_, Some([3, 4])) => Some(&SHA512),
        _ => None,
    }
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { algorithm OID, .. }, .. }`
fn signature_oid(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (certificate, _) = value(SEQUENCE, certificate)?;
    let (_, after_contents) = value(SEQUENCE, certificate)?;
    let (signature_algorithm, _) = value(SEQUENCE, after_contents)?;
    value(OBJECT_IDENTIFIER, signature_algorithm).map(|(oid, _)| oid)
}

/// The contents of the value of this kind that DER begins with, and what comes behind it.
fn value(kind: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // That many bytes of length follow; more than four no certificate has.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    (found == kind).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// DER as it could be: kinds and lengths, of which some are right.
    fn der() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(vec![0x30]),
            Just(vec![0x06]),
            (0x7f_u8..=0x86).prop_map(|length| vec![length]),
            (0..8_u8).prop_map(|length| vec![length]),
            vec(any::<u8>(), 0..5),
        ];
        vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// It comes from the server, before anything says who that is.
        #[test]
        fn any_bytes_have_a_hash_or_none(der in der()) {
            let _ = hash(&der);
            if let Some((contents, behind)) = value(0x30, &der) {
                prop_assert!(contents.len() + behind.len() < der.len());
            }
        }
    }

    #[test]
    fn each_signature_has_its_hash() {
        let rsa = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
        let ecdsa = |last| [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last];
        for (oid, length) in [(rsa(5), 32), (rsa(11), 32), (rsa(12), 48), (rsa(13), 64)] {
            assert_eq!(algorithm(&oid).map(Algorithm::output_len), Some(length), "{oid:x?}");
        }
        for (oid, length) in [(ecdsa(2), 32), (ecdsa(3), 48), (ecdsa(4), 64)] {
            assert_eq!(algorithm(&oid).map(Algorithm::output_len), Some(length), "{oid:x?}");
        }
        // RSA-PSS, Ed25519, nothing.
        assert!(algorithm(&rsa(10)).is_none());
        assert!(algorithm(&[0x2b, 0x65, 0x70]).is_none());
        assert!(algorithm(&[]).is_none());
    }

    #[test]
    fn a_certificate_that_is_none_has_no_hash() {
        for nonsense in
            [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x84, 0xff], &[5; 9]]
        {
            assert_eq!(hash(nonsense), None, "{nonsense:x?}");
        }
        // A length that goes beyond the end.
        assert_eq!(value(0x30, &[0x30, 0x82, 0xff, 0xff, 0x00]), None);
        assert_eq!(value(0x30, &[0x30, 0x81, 0x01, 0x07, 0x09]), Some((&[7][..], &[9][..])));
    }
}
