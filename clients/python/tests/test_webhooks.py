import base64
import hashlib
import hmac

import pytest

from surehook import WebhookVerificationError, verify_webhook

# The example of the specification's reference libraries (standardwebhooks).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
NOW = 1614265330
# test/webhook/sign.test.ts has the server make the same signature.
PUBLIC_KEY = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
ED25519 = "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ=="
OTHER = "whsec_" + base64.b64encode(b"another secret of enough bytes").decode()


def verify(body=BODY, secret=SECRET, now=NOW, **headers):
    return verify_webhook(body, {**HEADERS, **headers}, secret, now=now)


def sign(body, key):
    text = f"{HEADERS['webhook-id']}.{NOW}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_the_example_of_standard_webhooks_is_verified_as_text_and_as_bytes():
    assert verify().payload == {"test": 2432232314}
    assert verify(BODY.encode()).id == HEADERS["webhook-id"]
    assert verify_webhook(BODY, {k.title(): v for k, v in HEADERS.items()}, SECRET, now=NOW).id


def test_one_of_several_signatures_and_secrets_will_do():
    assert verify(secret=[OTHER, SECRET])
    assert verify(**{"webhook-signature": "v1,AAAA " + HEADERS["webhook-signature"]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": BODY + " "},
        {"secret": OTHER},
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "1e9"},
        {"webhook-signature": ""},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")},
        {"now": NOW + 301},
        {"now": NOW - 301},
    ],
    ids=str,
)
def test_anything_else_is_refused(wrong):
    with pytest.raises(WebhookVerificationError):
        verify(**wrong)


@pytest.mark.parametrize("body", ["plain text", "9" * 5_000, "[" * 200_000])
def test_a_verified_body_that_python_cannot_parse_is_its_text(body):
    assert verify(body, **{"webhook-signature": sign(body, base64.b64decode(SECRET[6:]))}).payload == body


@pytest.mark.parametrize("unusable", ["", "whsec_", "whsec_!", "whsec_ä"])
def test_a_secret_that_cannot_be_used_does_not_hide_one_that_can(unusable):
    assert verify(secret=[unusable, SECRET])
    for secrets in ([unusable], []):
        with pytest.raises(WebhookVerificationError, match="No secret"):
            verify(secret=secrets)


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_verifies_nothing_not_even_what_an_empty_key_signed(secret):
    with pytest.raises(WebhookVerificationError):
        verify(secret=secret, **{"webhook-signature": sign(BODY, b"")})


def test_an_ed25519_signature_is_verified_with_the_public_key_only():
    pytest.importorskip("cryptography")
    both = {"webhook-signature": f"{HEADERS['webhook-signature']} {ED25519}"}
    assert verify(secret=PUBLIC_KEY, **{"webhook-signature": ED25519})
    assert verify(secret=[OTHER, "whpk_AAAA", PUBLIC_KEY], **both) and verify(**both)
    for wrong in (
        {"body": BODY + " "},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "v1" + ED25519[3:]},
        {"webhook-signature": sign(BODY, base64.b64decode(PUBLIC_KEY[5:]))},
        {"secret": "whsec_" + PUBLIC_KEY[5:]},
        {"secret": "whpk_AAAA"},
    ):
        with pytest.raises(WebhookVerificationError):
            verify(**{"secret": PUBLIC_KEY, "webhook-signature": ED25519, **wrong})


def test_an_ed25519_signature_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setattr("surehook.webhooks.HAS_ED25519", False)
    monkeypatch.setattr("surehook._signatures.HAS_ED25519", False)
    with pytest.raises(WebhookVerificationError, match="cryptography"):
        verify(secret=PUBLIC_KEY, **{"webhook-signature": ED25519})
    assert verify(secret=[PUBLIC_KEY, SECRET])
