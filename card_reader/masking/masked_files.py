"""Files of a card whose contents belong to nobody: every header stays, every value goes.

What is kept is named here, file by file; all else is replaced byte for byte.  A file that does not
parse, or was read in part, goes through the same replacement as far as its headers can be followed.
"""

import struct
from collections.abc import Callable, Iterable, Mapping

from asn1crypto import core

from card_reader import tlv
from card_reader.domain_parameters import (
    DH_KEY_AGREEMENT,
    DH_PUBLIC_NUMBER,
    EC_PUBLIC_KEY,
    STANDARDISED_PARAMETERS,
)
from card_reader.errors import CardError
from card_reader.lds.security_infos import chip_keys, parse_infos
from card_reader.masking.ber_tree import NO_TAG, Node, parse_tree
from card_reader.masking.invention import Inventor, cms_time, rsa_modulus

# ASN.1 types that say how a file is built, not what is in it.
_BOOLEAN, _INTEGER, _BITS, _OCTETS, _NULL, _OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
_SEQUENCE, _SET, _UTC_TIME, _GENERALIZED_TIME, _PRINTABLE = 0x30, 0x31, 0x17, 0x18, 0x13
_STRUCTURE = frozenset({_BOOLEAN, _NULL, _OID})
_MAX_NUMBER = 2  # bytes of an INTEGER that is a version, a count or a data group's number
_DAMAGED_HEADER = 4  # bytes in which every fault of a tag or a length shows
_MAX_VERSION_TEXT = 6  # LdsVersionInfo: "0107", "040000"

_MRZ = 0x5F1F
_TAG_LIST = 0x5C
_BIOMETRIC_TEMPLATE, _BIOMETRIC_HEADER = 0x7F60, 0xA1
_HEADER_KINDS = frozenset({0x80, 0x81, 0x87, 0x88})  # version, type, subtype, format (9303-10)
_IMAGES = (b"\xff\xd8\xff", b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_END_OF_IMAGE = b"\xff\xd9"
# ISO/IEC 19794-5:2005 §5.4 to §5.7: record header; block length, points; image information.
_RECORD = struct.Struct(">4s4sIH")
_FACE = struct.Struct(">IH14s")
_POINT_BYTES, _IMAGE_BYTES, _IMAGE_KEPT = 8, 12, 7
_RECORD_NAME = b"FAC\x00"
# ISO/IEC 39794-5:2019: tags from the face image block to what says how to parse it.
_FACE_BLOCK = 0x65
_IMAGE_BLOCK = (0xA1, 0x30, 0xA1, 0xA0, 0xA0)
_FACE_BLOCK_KINDS = frozenset(
    {
        (0xA0, 0x80),
        (0xA0, 0x81),
        (0xA1, 0x30, 0x80),
        (*_IMAGE_BLOCK, 0xA1, 0xA0, 0x80),
        (*_IMAGE_BLOCK, 0xA1, 0xA7, 0x80),
        (*_IMAGE_BLOCK, 0xA1, 0xA7, 0x81),
    }
)
# ICAO 9303-10 §3.11.1, §4.7.1: application and its label; versions and list of tags.
_LISTED = frozenset({0x4F, 0x50, 0x5F01, 0x5F36, _TAG_LIST})
_CARD_CAPABILITIES = (0x43, 0x47, 0x7F66)  # what a reader may send (ISO 7816-4 §12.1.1)


class _Canvas:
    """A file's bytes while they are replaced; the length never changes."""

    def __init__(self, raw: bytes, inventor: Inventor) -> None:
        self.raw = raw
        self.inventor = inventor
        self._new = bytearray(raw)

    def value(self, node: Node) -> bytes:
        return self.raw[node.start : node.end]

    def put(self, start: int, value: bytes) -> None:
        self._new[start : start + len(value)] = value

    def hide(self, nodes: Iterable[Node]) -> None:
        """Replace every value below ``nodes``."""
        for node in nodes:
            for leaf in node.leaves():
                self.put(leaf.start, self.inventor.value(self.value(leaf)))

    def bytes(self) -> bytes:
        return bytes(self._new)


Mask = Callable[[_Canvas, tuple[Node, ...]], None]


def mask_file(name: str, raw: bytes, inventor: Inventor) -> bytes:
    """The file with invented contents of equal length."""
    canvas = _Canvas(raw, inventor)
    nodes = parse_tree(raw)
    _MASKS.get(name, _mask_templates)(canvas, nodes)
    if nodes and nodes[0].tag == NO_TAG:  # the damaged header, for the reader to stumble over
        canvas.put(0, raw[:_DAMAGED_HEADER])
    return canvas.bytes()


def mask_answer(raw: bytes, inventor: Inventor) -> bytes:
    """A response of an unknown command: headers stay where it is a row of data objects."""
    canvas = _Canvas(raw, inventor)
    canvas.hide(parse_tree(raw))
    return canvas.bytes()


_KEY_ALGORITHMS = frozenset(
    core.ObjectIdentifier(oid).contents
    for oid in (EC_PUBLIC_KEY, DH_PUBLIC_NUMBER, DH_KEY_AGREEMENT, STANDARDISED_PARAMETERS)
)


# --- files without a person ---------------------------------------------------------------------


def _mask_list(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """EF.COM, EF.DIR: versions, tags and applications stay; there is no place for more."""
    canvas.hide(leaf for leaf in _leaves(nodes) if leaf.tag not in _LISTED)


def _mask_card_capabilities(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """EF.ATR/INFO: the lengths a card takes stay, its serial numbers go."""
    canvas.hide(node for node in nodes if node.tag not in _CARD_CAPABILITIES)


# --- templates of ICAO 9303-10 ------------------------------------------------------------------


def _mask_templates(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """Data groups of data objects: lists of tags and small counts stay."""
    for node in nodes:
        if node.children:
            _mask_templates(canvas, node.children)
        elif not _is_structure(canvas, node):
            canvas.hide([node])


def _mask_dg1(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    for leaf in _leaves(nodes):
        value = canvas.value(leaf)
        zone = canvas.inventor.machine_readable_zone if leaf.tag == _MRZ else canvas.inventor.value
        canvas.put(leaf.start, zone(value))


def _mask_dg2(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """The portrait: its place stays, no pixel does."""
    for node in nodes:
        if node.tag == _BIOMETRIC_TEMPLATE:
            _mask_biometric_template(canvas, node)
        elif node.children:
            _mask_dg2(canvas, node.children)
        elif not _is_structure(canvas, node):
            _mask_image(canvas, node.start, node.end)


def _mask_biometric_template(canvas: _Canvas, template: Node) -> None:
    """Header and block (ISO/IEC 19785-3) with a record of ISO/IEC 19794-5 or 39794-5."""
    for node in template.children or (template,):
        if node.tag == _BIOMETRIC_HEADER:
            canvas.hide(leaf for leaf in node.leaves() if leaf.tag not in _HEADER_KINDS)
        elif not node.children or canvas.value(node).startswith(_RECORD_NAME):
            _mask_facial_record(canvas, node.start, node.end)
        else:
            _mask_face_block(canvas, node, ())


def _mask_face_block(canvas: _Canvas, node: Node, path: tuple[int, ...]) -> None:
    """ISO/IEC 39794-5: version, kind and size of the image stay."""
    for child in node.children:
        place = () if child.tag == _FACE_BLOCK else (*path, child.tag)
        if child.children:
            _mask_face_block(canvas, child, place)
        elif place not in _FACE_BLOCK_KINDS:
            _mask_image(canvas, child.start, child.end)


def _mask_facial_record(canvas: _Canvas, start: int, end: int) -> None:
    """ISO/IEC 19794-5: lengths and kinds stay; features, points and image go."""
    record = canvas.raw[start:end]
    if not record.startswith(_RECORD_NAME):
        _mask_image(canvas, start, end)
        return
    position = _RECORD.size
    while position + _FACE.size <= len(record):
        length, points, features = _FACE.unpack_from(record, position)
        head = position + _FACE.size + points * _POINT_BYTES
        body, stop = head + _IMAGE_BYTES, min(len(record), position + length)
        if body > stop:
            break
        canvas.put(start + position + _FACE.size - len(features), bytes(len(features)))
        canvas.put(start + position + _FACE.size, bytes(points * _POINT_BYTES))
        canvas.put(start + head + _IMAGE_KEPT, bytes(_IMAGE_BYTES - _IMAGE_KEPT))
        _mask_image(canvas, start + body, start + stop)
        position = stop
    _mask_image(canvas, start + position, end)


def _mask_image(canvas: _Canvas, start: int, end: int) -> None:
    """Noise between the first bytes that tell the kind of image and its last ones."""
    image = canvas.raw[start:end]
    kind = next((magic for magic in _IMAGES if image.startswith(magic)), None)
    if kind is None:
        canvas.put(start, canvas.inventor.value(image))
        return
    stop = image.rfind(_END_OF_IMAGE)
    if stop < len(kind) or image[stop + len(_END_OF_IMAGE) :].strip(b"\x00\xff"):
        stop = len(image)
    canvas.put(start + len(kind), canvas.inventor.octets(stop - len(kind)))


# --- signed objects and keys --------------------------------------------------------------------


def _mask_signed(content: Mask) -> Mask:
    """EF.SOD, EF.CardSecurity: CMS SignedData whose content goes through ``content``.

    Algorithms and certificates stay: they are the issuer's.  Hashes, signature and time go.
    """

    def mask(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
        signed = next((found for node in nodes if (found := _signed_data(node))), None)
        if signed is None:
            canvas.hide(nodes)
            return
        sets = [node for node in signed.children if node.tag == _SET]
        for node in signed.children:
            if node.tag == _SEQUENCE:
                _mask_content(canvas, node, content)
            elif node.tag == 0xA0:
                _keep_certificates(canvas, node)
            elif node in sets[1:]:
                for signer in node.children:
                    _mask_signer(canvas, signer)
            elif node is not sets[0] and not _is_structure(canvas, node):
                canvas.hide([node])
        canvas.hide(node for node in nodes if node.tag == NO_TAG)

    return mask


def _signed_data(node: Node) -> Node | None:
    """SignedData inside a ContentInfo, with or without the tag 77 around it."""
    info = node if node.tag == _SEQUENCE else node.child(_SEQUENCE)
    signed = info.child(0xA0, _SEQUENCE) if info else None
    return signed if signed and any(item.tag == _SET for item in signed.children) else None


def _mask_content(canvas: _Canvas, encapsulated: Node, content: Mask) -> None:
    for part in encapsulated.children:
        if part.tag == 0xA0:
            for leaf in part.leaves():
                content(canvas, parse_tree(canvas.raw, leaf.start, leaf.end))
        elif not _is_structure(canvas, part):
            canvas.hide([part])


def _keep_certificates(canvas: _Canvas, certificates: Node) -> None:
    """Whole certificates are the issuer's and stay; one that is cut off goes."""
    for node in certificates.children:
        if node.tag != _SEQUENCE or [item.tag for item in node.children] != [
            _SEQUENCE,
            _SEQUENCE,
            _BITS,
        ]:
            canvas.hide([node])


def _mask_signer(canvas: _Canvas, signer: Node) -> None:
    """SignerInfo (RFC 5652 §5.3): who signs and how stays."""
    for node in signer.children:
        if node.tag in (_SEQUENCE, 0x80, 0xA0) or _is_structure(canvas, node):
            attributes = node.children if node.tag == 0xA0 else ()
            for leaf in _leaves(attributes):
                if leaf.tag in (_UTC_TIME, _GENERALIZED_TIME):
                    canvas.put(leaf.start, cms_time(canvas.value(leaf)))
                elif not _is_structure(canvas, leaf):
                    canvas.hide([leaf])
        else:
            canvas.hide([node])


def _mask_security_object(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """LDSSecurityObject: the numbers of the groups stay, their hashes go."""
    for leaf in _leaves(nodes):
        version = leaf.tag == _PRINTABLE and leaf.end - leaf.start <= _MAX_VERSION_TEXT
        if not version and not _is_structure(canvas, leaf):
            canvas.hide([leaf])


def _mask_security_infos(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """Protocols and domain parameters stay, every key is exchanged for an invented one."""
    sets = tuple(_sets(nodes))
    for infos in sets:
        replaced = _replace_keys(canvas, infos)
        for info in infos.children or (infos,):
            if info not in replaced:
                _mask_security_info(canvas, info)
    for leaf in _leaves(nodes):
        if not any(infos.start <= leaf.start and leaf.end <= infos.end for infos in sets):
            canvas.hide([leaf])


def _replace_keys(canvas: _Canvas, infos: Node) -> list[Node]:
    """Put the invented chip keys; the SecurityInfos that hold them."""
    try:
        keys = chip_keys(parse_infos(tlv.encode(_SET, canvas.value(infos))))
    except CardError:
        return []
    replaced: list[Node] = []
    for key in keys:
        invented = canvas.inventor.chip_key(key.spki)
        for info in infos.children if invented else ():
            at = canvas.raw.find(key.spki, info.start, info.end)
            if invented and at >= 0:
                canvas.put(at, invented.spki)
                replaced.append(info)
    return replaced


def _mask_security_info(canvas: _Canvas, info: Node) -> None:
    """A SecurityInfo without a readable key: what names protocols and parameters stays."""
    for node in info.children or (info,):
        if node.children and node.children[0].tag == _OID and node.tag == _SEQUENCE:
            if canvas.value(node.children[0]) not in _KEY_ALGORITHMS:
                _mask_security_info(canvas, node)
        elif node.children:
            _mask_security_info(canvas, node)
        elif not _is_structure(canvas, node) and node.end - node.start > _MAX_NUMBER:
            canvas.hide([node])


def _mask_dg15(canvas: _Canvas, nodes: tuple[Node, ...]) -> None:
    """The key of active authentication: an invented one on the same curve, of the same size."""
    for node in [child for outer in nodes for child in outer.children or (outer,)]:
        invented = canvas.inventor.chip_key(canvas.raw[node.head : node.end])
        if invented is not None:
            canvas.put(node.head, invented.spki)
        elif [part.tag for part in node.children] == [_SEQUENCE, _BITS]:
            _mask_rsa_key(canvas, node.children[1])
        else:
            canvas.hide([node])
    canvas.hide(node for node in nodes if node.tag == NO_TAG)


def _mask_rsa_key(canvas: _Canvas, bits: Node) -> None:
    """RSAPublicKey in a BIT STRING: the exponent stays."""
    integers = list(_leaves(parse_tree(canvas.raw, bits.start + 1, bits.end)))
    if [leaf.tag for leaf in integers] == [_INTEGER, _INTEGER]:
        modulus = integers[0]
        canvas.put(modulus.start, rsa_modulus(canvas.value(modulus), canvas.inventor))
    else:
        canvas.put(bits.start + 1, canvas.inventor.octets(bits.end - bits.start - 1))


# --- shared -------------------------------------------------------------------------------------


def _leaves(nodes: Iterable[Node]) -> Iterable[Node]:
    return (leaf for node in nodes for leaf in node.leaves())


def _sets(nodes: Iterable[Node]) -> Iterable[Node]:
    """The outermost SETs."""
    for node in nodes:
        if node.tag == _SET:
            yield node
        else:
            yield from _sets(node.children)


def _is_structure(canvas: _Canvas, node: Node) -> bool:
    """Whether a value says how the file is built: an identifier, a list of tags, a small number."""
    if node.tag in (_INTEGER,):
        return node.end - node.start <= _MAX_NUMBER
    return node.tag in _STRUCTURE or node.tag == _TAG_LIST or not canvas.value(node)


_MASKS: Mapping[str, Mask] = {
    "EF.COM": _mask_list,
    "EF.DIR": _mask_list,
    "EF.ATR/INFO": _mask_card_capabilities,
    "EF.CardAccess": _mask_security_infos,
    "EF.CardSecurity": _mask_signed(_mask_security_infos),
    "EF.SOD": _mask_signed(_mask_security_object),
    "EF.DG1": _mask_dg1,
    "EF.DG2": _mask_dg2,
    "EF.DG5": _mask_dg2,
    "EF.DG7": _mask_dg2,
    "EF.DG14": _mask_security_infos,
    "EF.DG15": _mask_dg15,
}
