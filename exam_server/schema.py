"""All tables together, for migrations, backups and tests."""

import exam_server.attempts.fencing_models
import exam_server.attempts.models
import exam_server.audit
import exam_server.candidates.models
import exam_server.centres.models
import exam_server.checkin.models
import exam_server.forms.models
import exam_server.grading.models
import exam_server.items.bulk_models
import exam_server.items.models
import exam_server.results.models
import exam_server.shifts.models
import exam_server.staff
import exam_server.stations.models
import exam_server.trust.models  # noqa: F401 - importing registers the tables
from exam_server.db import Base

METADATA = Base.metadata
