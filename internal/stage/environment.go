package stage

import "github.com/cloud-pi-native/passerelle/internal/config"

// Environment returns the configuration of Hub as a hub's process takes it: the
// environment. journey is the path of the journey file.
func (s *Stage) Environment(databaseURL, journey string) ([]string, error) {
	settings, err := s.Hub(databaseURL)
	if err != nil {
		return nil, err
	}
	return []string{
		"PASSERELLE_DATABASE_URL=" + settings.DatabaseURL,
		"PASSERELLE_PUBLIC_URL=" + settings.PublicURL,
		"PASSERELLE_DS_URL=" + settings.DSURL,
		"PASSERELLE_DS_TOKEN=" + settings.DSToken,
		"PASSERELLE_DS_INSTRUCTEUR=" + settings.DSInstructeur,
		"PASSERELLE_DS_WEBHOOK_SECRET=" + settings.DSWebhookSecret,
		"PASSERELLE_GITLAB_URL=" + settings.GitLabURL,
		"PASSERELLE_GITLAB_TOKEN=" + settings.GitLabToken,
		"PASSERELLE_GITLAB_ROOT_GROUP=" + settings.GitLabRootGroup,
		"PASSERELLE_GITLAB_TRACKING_PROJECT=" + settings.GitLabTrackingProject,
		"PASSERELLE_GITLAB_WEBHOOK_TOKEN=" + settings.GitLabWebhookToken,
		"PASSERELLE_MARK_KEY=" + settings.MarkKey,
		"PASSERELLE_ADMIN_TOKENS=admin:" + string(config.Admin) + ":" + settings.AdminTokens[0].Hex(),
		"PASSERELLE_JOURNEY=" + journey,
	}, nil
}
