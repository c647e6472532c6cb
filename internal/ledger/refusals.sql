-- name: ForgiveRefusals :execrows
-- Lets what DS refused for good be tried once more.
update resources set failed_revision = 0, failure = ''
where dossier = @dossier and system = 'demarches' and failed_revision <> 0;
