"""An SMTP server that writes each mail it takes to a file of its own.

Arguments: plain, starttls or tls; the folder; the certificate and its key. With any TLS it takes
mail only from "operator" with the password "s3cret". It prints its port when it listens.
"""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, folder, certificate, key = sys.argv[1:]


class Box:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        self.taken += 1
        tls = server.transport.get_extra_info("ssl_object") is not None
        lines = [f"peer-tls: {tls}", f"from: {envelope.mail_from}"]
        lines += [f"to: {recipient}" for recipient in envelope.rcpt_tos]
        text = "\n".join(lines) + "\n" + envelope.content.decode()
        path = pathlib.Path(folder, f"{self.taken}.eml")
        path.with_suffix(".part").write_text(text)
        path.with_suffix(".part").rename(path)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"operator" and data.password == b"s3cret"
    return AuthResult(success=right, handled=False)


async def main():
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    box = Box()

    def protocol():
        if mode == "starttls":
            return SMTP(box, tls_context=context, require_starttls=True, auth_required=True,
                        authenticator=authenticate)
        if mode == "tls":
            return SMTP(box, auth_required=True, auth_require_tls=False, authenticator=authenticate)
        return SMTP(box)

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
