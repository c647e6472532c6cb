-- name: ForgiveRefusals :execrows
-- Lets messages and changes of state that DS refused for good be tried once more, and
-- what it did not find the dossier for, which was in its bin. What is written into private
-- fields moves the date of the dossier even when part of it is refused: that is no reason.
update resources set failed_revision = 0, failure = ''
where dossier = @dossier and system = 'demarches' and failed_revision <> 0
    and (kind in ('message', 'transition') or failure like '%not found%');
