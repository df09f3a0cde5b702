"""Names of QTI 3.0 that its reader and its writer share.

1EdTech QTI 3.0 (ASI), Content Packaging 1.2 as profiled by QTI 3.0, IEEE LOM.
"""

QTI = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
PACKAGE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
LOM = "http://ltsc.ieee.org/xsd/LOM"
TEMPLATES = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/"
MATCH_CORRECT = TEMPLATES + "match_correct.xml"
MAP_RESPONSE = TEMPLATES + "map_response.xml"

MANIFEST = "imsmanifest.xml"
ITEM_TYPE = "imsqti_item_xmlv3p0"
TEST_TYPE = "imsqti_test_xmlv3p0"
MEDIA_TYPE = "webcontent"

# Purposes of LOM classifications (IEEE 1484.12.1 §9.1) and what we keep under them.
DISCIPLINE = "discipline"  # taxon path: subject, topic
EDUCATIONAL_LEVEL = "educational level"  # grade
COMPETENCY = "competency"  # cognitive level N, H, V, C

TRUE_WORDS = frozenset(("đúng", "true", "đ", "t"))
FALSE_WORDS = frozenset(("sai", "false", "s", "f"))
