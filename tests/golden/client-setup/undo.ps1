#Requires -RunAsAdministrator
# openwer: removes the values that client-setup set, and nothing else.

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$policy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\Windows Error Reporting'
$consent = "$policy\Consent"
$values = @(
    @{ Path = $policy; Name = 'Disabled' },
    @{ Path = $policy; Name = 'CorporateWerServer' },
    @{ Path = $policy; Name = 'CorporateWerPortNumber' },
    @{ Path = $policy; Name = 'CorporateWerUseSSL' },
    @{ Path = $policy; Name = 'DontShowUI' },
    @{ Path = $policy; Name = 'DisableQueue' },
    @{ Path = $policy; Name = 'BypassDataThrottling' },
    @{ Path = $consent; Name = 'DefaultConsent' },
    @{ Path = $consent; Name = 'DefaultOverrideBehavior' }
)

foreach ($value in $values) {
    if (-not (Test-Path -LiteralPath $value.Path)) { continue }
    $key = Get-Item -LiteralPath $value.Path
    if ($key.GetValueNames() -notcontains $value.Name) {
        Write-Output "absent     $($value.Name)"
        continue
    }
    Remove-ItemProperty -LiteralPath $value.Path -Name $value.Name
    Write-Output "removed    $($value.Name)"
}
