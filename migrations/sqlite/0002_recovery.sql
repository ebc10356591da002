-- What was tried after the process of an analyser died: a JSON array of texts.
ALTER TABLE analyser_results ADD COLUMN recovery TEXT NOT NULL DEFAULT '[]';
