"""Names of QTI 3.0 that its reader and its writer share.

1EdTech QTI 3.0 (ASI), Content Packaging 1.2 as profiled by QTI 3.0, IEEE LOM.
"""

QTI = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
PACKAGE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
LOM = "http://ltsc.ieee.org/xsd/LOM"
QTI_METADATA = "http://www.imsglobal.org/xsd/imsqti_metadata_v3p0"
QTI_METADATA_2_2 = "http://www.imsglobal.org/xsd/imsqti_metadata_v2p2"
TEMPLATES = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/"
MATCH_CORRECT = TEMPLATES + "match_correct.xml"
MAP_RESPONSE = TEMPLATES + "map_response.xml"
MAP_RESPONSE_POINT = TEMPLATES + "map_response_point.xml"
QTI_2_2 = "http://www.imsglobal.org/xsd/imsqti_v2p2"
PACKAGE_2 = "http://www.imsglobal.org/xsd/imscp_v1p1"
TEMPLATES_2_2 = "http://www.imsglobal.org/question/qti_v2p2/rptemplates/"
#: Our classes: what is written about the answer, for people who are no candidates; what several
#: items stand under, where a format has no files for it.
EXPLANATION = "explanation"
STIMULUS = "stimulus"
#: A part of a composite has its own outcome where people mark it, or a table gives its marks.
PART_SCORE = "SCORE_"

MANIFEST = "imsmanifest.xml"
ITEM_TYPE = "imsqti_item_xmlv3p0"
STIMULUS_TYPE = "imsqti_stimulus_xmlv3p0"
TEST_TYPE = "imsqti_test_xmlv3p0"
ITEM_TYPE_2_2 = "imsqti_item_xmlv2p2"
TEST_TYPE_2_2 = "imsqti_test_xmlv2p2"
MEDIA_TYPE = "webcontent"

# Purposes of LOM classifications (IEEE 1484.12.1 §9.1) and what we keep under them.
DISCIPLINE = "discipline"  # taxon path: subject, topic
EDUCATIONAL_LEVEL = "educational level"  # grade
COMPETENCY = "competency"  # cognitive level N, H, V, C; Bloom's process

TRUE_WORDS = frozenset(("đúng", "true", "đ", "t"))
FALSE_WORDS = frozenset(("sai", "false", "s", "f"))
