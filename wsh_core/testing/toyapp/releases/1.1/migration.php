<?php
/* Notes know when they were written; of the old ones nobody does. */
database()->query('ALTER TABLE notes ADD created DATETIME');
//@FAULT@
