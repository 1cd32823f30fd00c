"""The vocabulary of a telecom cloud as a Faker provider: VNFs, the VDUs they are made of, sites.

Imports Faker, so import it where names are made and nowhere else.
"""

from __future__ import annotations

import unicodedata

from faker.generator import Generator
from faker.providers import BaseProvider
from faker.providers.address.fi_FI import Provider as Cities

#: VNFs and CNFs of a mobile operator, and the VDUs that each is made of.
VNFS: dict[str, tuple[str, ...]] = {
    "vEPC-MME": ("sctp-lb", "mobility", "session-db", "oam"),
    "vEPC-SGW": ("s1u-lb", "forwarder", "gtp-ctrl", "oam"),
    "vEPC-PGW": ("sgi-lb", "forwarder", "charging", "oam"),
    "vIMS-CSCF": ("sip-lb", "pcscf", "scscf", "icscf", "oam"),
    "vRAN-CU": ("cu-up", "cu-cp", "oam"),
    "UPF": ("n3-lb", "forwarder", "pfcp-agent", "oam"),
    "AMF": ("n2-lb", "ue-context", "sbi", "oam"),
    "SMF": ("sbi", "session", "pfcp-lb", "oam"),
    "SBC": ("signalling", "media", "oam"),
    "HSS": ("diameter-fe", "subscriber-db", "provisioning", "oam"),
    "PCRF": ("gx-fe", "policy", "session-db", "oam"),
    "UDM": ("sbi", "subscriber-db", "oam"),
    "MTAS": ("sip-fe", "call-ctrl", "media", "oam"),
    "SMSC": ("map-fe", "router", "store", "oam"),
    "CGNAT": ("forwarder", "log-export", "oam"),
    "DNS": ("resolver", "authoritative", "oam"),
}


class TelecomProvider(BaseProvider):
    """Words that a telecom engineer would believe."""

    def vnf(self) -> str:
        """A network function: ``vEPC-MME``."""
        return str(self.random_element(list(VNFS)))

    def site(self) -> str:
        """A data centre's place, fit for a host name: ``oulu``."""
        name = unicodedata.normalize("NFKD", self.generator.city())
        return "".join(c for c in name.lower() if c.isascii() and (c.isalnum() or c == "-"))

    def environment(self) -> str:
        """What a project is used for: mostly ``prod``."""
        return str(self.random_element(("prod", "prod", "prod", "prelive", "lab")))


def telecom(seed: str) -> TelecomProvider:
    """The vocabulary, drawn from ``seed`` alone: nothing of Faker's shared state is read or changed."""
    generator = Generator()
    generator.seed_instance(seed)
    generator.add_provider(Cities)
    return TelecomProvider(generator)
